"""Faults injected on purpose, in PX4's words: off, stuck, garbage, wrong, slow, delayed."""
