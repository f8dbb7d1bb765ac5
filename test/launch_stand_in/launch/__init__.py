"""Stands in for the package `launch`, which no package index has: enough of it for launch/.

Only the tests put this folder on the path, and only to execute the launch files and look at what
they describe. Names and signatures are those of ROS 2 Jazzy.
"""
from __future__ import annotations

from typing import Any


class LaunchContext:
    """What a launch run knows: configurations, environment and the namespaces pushed so far."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.launch_configurations: dict[str, str] = {}
        self.environment = dict(environment)
        self.nodes: list[dict[str, Any]] = []


class LaunchDescription:
    """A list of actions that are executed in order."""

    def __init__(self, entities: list[Any]) -> None:
        self.entities = entities

    def execute(self, context: LaunchContext) -> None:
        """Execute every action whose condition holds."""
        for entity in self.entities:
            entity.visit(context)
