"""Stand-ins for the actions that the launch files use."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from launch import LaunchContext
from launch.substitutions import performed


class Action:
    """Something to execute, if its condition holds."""

    def __init__(self, *, condition: Any = None) -> None:
        self.condition = condition

    def visit(self, context: LaunchContext) -> None:
        """Execute the action if its condition holds."""
        if self.condition is None or self.condition.evaluate(context):
            self.execute(context)


class DeclareLaunchArgument(Action):
    """An argument of the launch file, with its default and its choices."""

    def __init__(self, name: str, *, default_value: Any = None, description: str = '',
                 choices: list[str] | None = None) -> None:
        super().__init__()
        assert description, f'argument {name} has no description'
        self.name, self.default_value, self.choices = name, default_value, choices

    def execute(self, context: LaunchContext) -> None:
        """Take the given value, else the default; refuse a missing value and a wrong choice."""
        known = context.launch_configurations
        if self.name not in known:
            if self.default_value is None:
                raise RuntimeError(f'required launch argument {self.name} was not provided')
            known[self.name] = performed(context, self.default_value)
        if self.choices and known[self.name] not in self.choices:
            raise RuntimeError(f'{self.name} is {known[self.name]}, not in {self.choices}')


class SetEnvironmentVariable(Action):
    """A variable in the environment of every process that is started later."""

    def __init__(self, name: str, value: Any) -> None:
        super().__init__()
        self.name, self.value = name, value

    def execute(self, context: LaunchContext) -> None:
        """Set the variable."""
        context.environment[self.name] = performed(context, self.value)


class IncludeLaunchDescription(Action):
    """Another launch file. As in the real one, its arguments stay set after it."""

    def __init__(self, source: Any, *, launch_arguments: Iterable[tuple[str, Any]] = ()) -> None:
        super().__init__()
        self.source, self.launch_arguments = source, list(launch_arguments)

    def execute(self, context: LaunchContext) -> None:
        """Set the arguments and execute the file."""
        for name, value in self.launch_arguments:
            context.launch_configurations[name] = performed(context, value)
        self.source.description(context).execute(context)


class GroupAction(Action):
    """Actions whose configurations and environment end with the group."""

    def __init__(self, actions: list[Any]) -> None:
        super().__init__()
        self.actions = actions

    def execute(self, context: LaunchContext) -> None:
        """Execute the actions on copies of configurations and environment."""
        outside = dict(context.launch_configurations), dict(context.environment)
        for action in self.actions:
            action.visit(context)
        context.launch_configurations, context.environment = outside


class OpaqueFunction(Action):
    """A function that returns more actions."""

    def __init__(self, *, function: Callable[[LaunchContext], list[Any] | None]) -> None:
        super().__init__()
        self.function = function

    def execute(self, context: LaunchContext) -> None:
        """Call the function and execute what it returns."""
        for action in self.function(context) or []:
            action.visit(context)
