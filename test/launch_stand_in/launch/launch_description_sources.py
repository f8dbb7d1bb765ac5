"""Stand-in for the source of a launch description written in Python."""
from __future__ import annotations

import runpy
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.substitutions import performed


class PythonLaunchDescriptionSource:
    """A launch file written in Python."""

    def __init__(self, location: Any) -> None:
        self.location = location

    def description(self, context: LaunchContext) -> LaunchDescription:
        """Execute the file and return what it describes."""
        return runpy.run_path(performed(context, self.location))['generate_launch_description']()
