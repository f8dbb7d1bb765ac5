"""Stand-ins for the substitutions that the launch files use."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from launch import LaunchContext


def performed(context: LaunchContext, value: Any) -> str:
    """Return the text of a string, a substitution, or a list of both."""
    if isinstance(value, (list, tuple)):
        return ''.join(performed(context, part) for part in value)
    return value if isinstance(value, str) else value.perform(context)


class LaunchConfiguration:
    """The value of a launch argument."""

    def __init__(self, variable_name: str) -> None:
        self.variable_name = variable_name

    def perform(self, context: LaunchContext) -> str:
        """Return the value. Raises `KeyError` when nothing declared it before."""
        return context.launch_configurations[self.variable_name]


class EnvironmentVariable:
    """The value of an environment variable, or a default."""

    def __init__(self, name: str, *, default_value: Any) -> None:
        self.name, self.default_value = name, default_value

    def perform(self, context: LaunchContext) -> str:
        """Return the value."""
        if self.name in context.environment:
            return context.environment[self.name]
        return performed(context, self.default_value)


class PathJoinSubstitution:
    """A path made of parts."""

    def __init__(self, substitutions: list[Any]) -> None:
        self.substitutions = substitutions

    def perform(self, context: LaunchContext) -> str:
        """Return the joined path."""
        return str(Path(*(performed(context, part) for part in self.substitutions)))
