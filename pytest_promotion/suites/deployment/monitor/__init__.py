"""After a deployment: is it still well, by parity and by Prometheus; and if not, back, and somebody is told."""
