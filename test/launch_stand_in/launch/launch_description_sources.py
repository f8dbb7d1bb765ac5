"""Stand-in for the source of a launch description written in Python."""
from __future__ import annotations

import runpy
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.substitutions import performed


class PythonLaunchDescriptionSource:
    """A launch file written in Python. As in the real one, it is executed once and kept."""

    def __init__(self, location: Any) -> None:
        self.location = location
        self.kept: LaunchDescription | None = None

    def description(self, context: LaunchContext) -> LaunchDescription:
        """Return what the file describes."""
        if self.kept is None:
            names = runpy.run_path(performed(context, self.location))
            self.kept = names['generate_launch_description']()
        return self.kept
