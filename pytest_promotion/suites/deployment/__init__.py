"""The deployment policy: determinism, service levels, scans, plans, protection and monitoring."""
