"""Protect several cameras: one protector in the namespace of each, one reidentifier for all.

All protectors publish on /identities, so that a person is known again by another camera. The
reidentifier tells the cameras apart by the frame id of their headers, which has to differ.
"""
from launch import LaunchContext, LaunchDescription
from launch.actions import (DeclareLaunchArgument, GroupAction, IncludeLaunchDescription,
                            OpaqueFunction)
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare


def protectors(context: LaunchContext) -> list[GroupAction]:
    """Return one protector per name in the argument `cameras`.

    Raises `ValueError` when the argument names no camera, or one camera twice.
    """
    text = LaunchConfiguration('cameras').perform(context)
    cameras = [name.strip() for name in text.split(',') if name.strip()]
    if not cameras or len(set(cameras)) != len(cameras):
        raise ValueError(f'cameras is {text!r}; give different namespaces, such as front,rear')
    protect = PathJoinSubstitution(
        [FindPackageShare('latent_rag_ros'), 'launch', 'protect.launch.py'])
    shared = {name: LaunchConfiguration(name) for name in ('image', 'camera_info', 'params_file')}
    # A source keeps the nodes of its file, and a node starts once: each camera has its own source.
    return [GroupAction([IncludeLaunchDescription(
        PythonLaunchDescriptionSource(protect), launch_arguments={
            'namespace': camera, 'identities': '/identities', **shared}.items())])
        for camera in cameras]


def generate_launch_description() -> LaunchDescription:
    """Return the arguments, the protectors and the reidentifier."""
    share = FindPackageShare('latent_rag_ros')
    return LaunchDescription([
        DeclareLaunchArgument(
            'cameras', description='Namespaces of the cameras, separated by commas: front,rear'),
        DeclareLaunchArgument(
            'image', default_value='image_raw', description='Topic of the raw image, in each '
            'namespace'),
        DeclareLaunchArgument(
            'camera_info', default_value='camera_info', description='Topic of the camera info, '
            'in each namespace'),
        DeclareLaunchArgument(
            'params_file', default_value=PathJoinSubstitution([share, 'config', 'protector.yaml']),
            description='Parameters of every protector'),
        DeclareLaunchArgument(
            'reidentifier', default_value='true', choices=['true', 'false'],
            description='Match the people of all cameras with one gallery'),
        OpaqueFunction(function=protectors),
        Node(
            package='latent_rag_ros', executable='reidentifier_node', name='reidentifier',
            parameters=[PathJoinSubstitution([share, 'config', 'reidentifier.yaml'])],
            output='screen', condition=IfCondition(LaunchConfiguration('reidentifier'))),
    ])
