"""Stands in for the package `launch_ros`, as its neighbour does for `launch`."""
