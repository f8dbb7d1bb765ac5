"""The shipped weights and their cards."""
