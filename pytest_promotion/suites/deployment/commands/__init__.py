"""Commands of the deployment suite."""
