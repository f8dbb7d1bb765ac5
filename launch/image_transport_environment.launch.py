"""Set the environment in which images travel fast between processes of one machine.

Every launch file of this package includes this one. Include it in the launch file of your camera
driver as well: only the sender's shared memory segment counts. A variable that is set already
keeps its value.
"""
from launch import LaunchDescription
from launch.actions import SetEnvironmentVariable
from launch.substitutions import EnvironmentVariable, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare


def generate_launch_description() -> LaunchDescription:
    """Return the actions that set the variables."""
    profiles = PathJoinSubstitution([FindPackageShare('latent_rag_ros'), 'config', 'fastdds.xml'])
    defaults = {
        'FASTRTPS_DEFAULT_PROFILES_FILE': profiles,  # Fast DDS 2: Jazzy
        'FASTDDS_DEFAULT_PROFILES_FILE': profiles,  # Fast DDS 3: Kilted and later
        # Bytes. Memory of a frame is kept by the process instead of being mapped anew each time.
        'MALLOC_MMAP_THRESHOLD_': '1073741824',
        'MALLOC_TRIM_THRESHOLD_': '2147483648',
        'MALLOC_TOP_PAD_': '67108864',
        # PyTorch's idle threads sleep instead of spinning on the cores of the other processes.
        'OMP_WAIT_POLICY': 'PASSIVE',
    }
    return LaunchDescription([
        SetEnvironmentVariable(name, EnvironmentVariable(name, default_value=default))
        for name, default in defaults.items()])
