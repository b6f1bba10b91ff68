"""What operators run around the gates: the strict cycle, its watcher and the readiness decision."""
