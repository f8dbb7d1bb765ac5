"""Readers of public re-identification data sets; the pictures themselves are never shipped."""
