"""What a release is judged by before it goes on: its environment, its tree, its tag, and changes of its thresholds."""
