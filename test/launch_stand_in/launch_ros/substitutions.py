"""Stand-in for the substitution that finds a package."""
from __future__ import annotations

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext


class FindPackageShare:
    """The share folder of an installed package."""

    def __init__(self, package: str) -> None:
        self.package = package

    def perform(self, context: LaunchContext) -> str:
        """Return the folder. Raises `PackageNotFoundError` when it is not installed."""
        return get_package_share_directory(self.package)
