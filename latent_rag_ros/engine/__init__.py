"""Runs networks: the one place that knows which library computes what on the CPU."""
