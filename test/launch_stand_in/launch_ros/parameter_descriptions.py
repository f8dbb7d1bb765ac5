"""Stand-in for a parameter value with a type."""
from __future__ import annotations

from typing import Any

from launch import LaunchContext
from launch.substitutions import performed


class ParameterValue:
    """A parameter whose text is read as the given type."""

    def __init__(self, value: Any, *, value_type: type) -> None:
        self.value, self.value_type = value, value_type

    def evaluate(self, context: LaunchContext) -> bool | str:
        """Return the value in its type. Raises `KeyError` for a text that is not a bool."""
        text = performed(context, self.value)
        return {'true': True, 'false': False}[text] if self.value_type is bool else text
