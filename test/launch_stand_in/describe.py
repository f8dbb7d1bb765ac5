"""Executes an installed launch file with the stand-ins and prints its nodes as JSON.

`python describe.py demo.launch.py video:=clip.avi`; Python puts the folder of this script, and so
the stand-ins beside it, first on the path.
"""
from __future__ import annotations

import json
import os
import sys

from launch import LaunchContext, LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

file_name, *given = sys.argv[1:]
path = PathJoinSubstitution([FindPackageShare('latent_rag_ros'), 'launch', file_name])
arguments = [tuple(text.split(':=', 1)) for text in given]
context = LaunchContext(dict(os.environ))
LaunchDescription([IncludeLaunchDescription(
    PythonLaunchDescriptionSource(path), launch_arguments=arguments)]).execute(context)
json.dump(context.nodes, sys.stdout)
