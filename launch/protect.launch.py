"""Protect one camera: start the protector node for it."""
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare


def generate_launch_description() -> LaunchDescription:
    """Return the protector node and the arguments it is started with."""
    share = FindPackageShare('latent_rag_ros')
    image = LaunchConfiguration('image')
    return LaunchDescription([
        DeclareLaunchArgument(
            'namespace', default_value='', description='Namespace of the camera and of the node'),
        DeclareLaunchArgument(
            'image', default_value='image_raw', description='Topic of the raw image'),
        DeclareLaunchArgument(
            'camera_info', default_value='camera_info', description='Topic of the camera info'),
        DeclareLaunchArgument(
            'identities', default_value='identities',
            description='Topic of the identity features'),
        DeclareLaunchArgument(
            'params_file', default_value=PathJoinSubstitution([share, 'config', 'protector.yaml']),
            description='Parameters of the protector'),
        DeclareLaunchArgument(
            'autostart', default_value='true', choices=['true', 'false'],
            description='Configure and activate at start, without a lifecycle manager'),
        DeclareLaunchArgument(
            'log_level', default_value='info', description='debug, info, warn, error or fatal'),
        IncludeLaunchDescription(PythonLaunchDescriptionSource(PathJoinSubstitution(
            [share, 'launch', 'image_transport_environment.launch.py']))),
        Node(
            package='latent_rag_ros', executable='protector_node', name='protector',
            namespace=LaunchConfiguration('namespace'), output='screen',
            parameters=[LaunchConfiguration('params_file'), {
                'autostart': ParameterValue(LaunchConfiguration('autostart'), value_type=bool)}],
            remappings=[('image_raw', image), ('image_raw/compressed', [image, '/compressed']),
                        ('camera_info', LaunchConfiguration('camera_info')),
                        ('identities', LaunchConfiguration('identities'))],
            ros_arguments=['--log-level', LaunchConfiguration('log_level')]),
    ])
