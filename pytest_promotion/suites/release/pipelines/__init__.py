"""The workflows that `promotion init --ci` writes for a repository: its gates, its deployment, its schedules."""
