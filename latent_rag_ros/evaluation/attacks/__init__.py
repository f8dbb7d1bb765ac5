"""Attackers that try to undo a protection, always freshly trained with a stated budget."""
