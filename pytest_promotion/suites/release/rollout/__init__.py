"""Deploying with a way back: databases and images are kept before anything is changed, and put back where it fails."""
