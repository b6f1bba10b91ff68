"""Release governance: environment, tree, tag, knowledge base, deployment and rollback."""
