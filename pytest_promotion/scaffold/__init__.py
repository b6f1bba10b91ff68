"""What `promotion init` adds to a project, without changing how its tests run."""
