"""Measures what the filter hides and what it keeps; floors always beside the figures."""
