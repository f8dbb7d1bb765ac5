"""Stand-in for the action that starts a ROS node: it writes down how it would."""
from __future__ import annotations

from typing import Any

from launch import LaunchContext
from launch.actions import Action
from launch.substitutions import performed


class Node(Action):
    """A ROS node as a process."""

    def __init__(self, *, package: str, executable: str, name: str | None = None,
                 namespace: Any = '', parameters: list[Any] | None = None,
                 remappings: list[tuple[str, Any]] | None = None,
                 arguments: list[Any] | None = None, ros_arguments: list[Any] | None = None,
                 output: str = 'log', condition: Any = None) -> None:
        super().__init__(condition=condition)
        self.package, self.executable, self.name = package, executable, name
        self.namespace, self.output = namespace, output
        self.parameters, self.remappings = parameters or [], remappings or []
        self.arguments, self.ros_arguments = arguments or [], ros_arguments or []
        self.executed = False

    def execute(self, context: LaunchContext) -> None:
        """Append the resolved node and its environment to the nodes of the context, once."""
        if self.executed:
            raise RuntimeError(f'{self.name} executed more than once')
        self.executed = True
        files, values = [], {}
        for entry in self.parameters:
            if isinstance(entry, dict):
                values |= {name: value.evaluate(context) for name, value in entry.items()}
            else:
                files.append(performed(context, entry))
        context.nodes.append({
            'package': self.package, 'executable': self.executable, 'name': self.name,
            'namespace': performed(context, self.namespace), 'output': self.output,
            'parameter_files': files, 'parameters': values,
            'remappings': {old: performed(context, new) for old, new in self.remappings},
            'arguments': [performed(context, value) for value in self.arguments],
            'ros_arguments': [performed(context, value) for value in self.ros_arguments],
            'environment': dict(context.environment)})
