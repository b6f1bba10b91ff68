"""The trading contract: strict cycle, replay, health, upgrade checks and readiness."""
