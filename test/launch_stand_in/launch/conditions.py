"""Stand-in for the condition that the launch files use."""
from __future__ import annotations

from typing import Any

from launch import LaunchContext
from launch.substitutions import performed


class IfCondition:
    """Holds for true and 1, does not for false and 0, refuses everything else."""

    def __init__(self, predicate: Any) -> None:
        self.predicate = predicate

    def evaluate(self, context: LaunchContext) -> bool:
        """Return whether the condition holds. Raises `KeyError` for another text."""
        text = performed(context, self.predicate).strip().lower()
        return {'true': True, '1': True, 'false': False, '0': False}[text]
