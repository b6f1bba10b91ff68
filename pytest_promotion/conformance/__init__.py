"""The conformance suite: broken candidates that gates let through, put to plain pytest and to this plugin."""
