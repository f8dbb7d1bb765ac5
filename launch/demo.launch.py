"""Try the filter without a robot: a video as the camera, the protector, the reidentifier, rviz."""
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

NAMESPACE = 'camera'  # rviz/protector.rviz shows the topics of this namespace


def generate_launch_description() -> LaunchDescription:
    """Return the three nodes, rviz where it is asked for, and their arguments."""
    share = FindPackageShare('latent_rag_ros')
    return LaunchDescription([
        DeclareLaunchArgument(
            'video', default_value='', description='Video file, folder of images or /dev/videoN; '
            'empty plays the shipped clip of synthetic people'),
        DeclareLaunchArgument(
            'loop', default_value='true', choices=['true', 'false'],
            description='Start again after the last frame'),
        DeclareLaunchArgument(
            'params_file', default_value=PathJoinSubstitution([share, 'config', 'protector.yaml']),
            description='Parameters of the protector'),
        DeclareLaunchArgument(
            'rviz', default_value='false', choices=['true', 'false'],
            description='Show the protected image and the overlay in rviz2'),
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(
                PathJoinSubstitution([share, 'launch', 'protect.launch.py'])),
            launch_arguments={'namespace': NAMESPACE,
                              'params_file': LaunchConfiguration('params_file')}.items()),
        Node(
            package='latent_rag_ros', executable='reidentifier_node', name='reidentifier',
            namespace=NAMESPACE, output='screen',
            parameters=[PathJoinSubstitution([share, 'config', 'reidentifier.yaml'])]),
        Node(
            package='latent_rag_ros', executable='video_camera_node', name='video_camera',
            namespace=NAMESPACE, output='screen',
            parameters=[PathJoinSubstitution([share, 'config', 'video_camera.yaml']), {
                'source': ParameterValue(LaunchConfiguration('video'), value_type=str),
                'loop': ParameterValue(LaunchConfiguration('loop'), value_type=bool)}]),
        Node(
            package='rviz2', executable='rviz2', name='rviz2', output='screen',
            arguments=['-d', PathJoinSubstitution([share, 'rviz', 'protector.rviz'])],
            condition=IfCondition(LaunchConfiguration('rviz'))),
    ])
