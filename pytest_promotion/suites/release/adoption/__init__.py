"""What `promotion init --suite release` finds in a repository: its frontend, its tests, its configuration files."""
