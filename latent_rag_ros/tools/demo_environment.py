"""Where the package is installed, and the environment that its processes need."""
from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from latent_rag_ros.tools.demo_error import DemoError

PACKAGE = 'latent_rag_ros'
CHECKOUT = Path(__file__).resolve().parents[2]

MALLOC = {'MALLOC_MMAP_THRESHOLD_': '1073741824', 'MALLOC_TRIM_THRESHOLD_': '2147483648',
          'MALLOC_TOP_PAD_': '67108864'}
"""Keeps image buffers in the process: without it every frame is mapped and faulted in again."""

OPENMP = {'OMP_WAIT_POLICY': 'PASSIVE'}
"""PyTorch's idle threads sleep. Spinning, they would take the cores from the other processes."""

PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
"""Jazzy reads the first, later releases the second."""


def install_prefixes(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the folders the package may be installed in: colcon's first, then pip's."""
    listed = environment.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    return [Path(prefix) for prefix in dict.fromkeys([*filter(None, listed), sys.prefix])]


def node_executable(name: str) -> Path:
    """Return the installed executable of a node, such as `protector_node`.

    Raises `DemoError` when the package is not installed.
    """
    return _found([prefix / 'lib' / PACKAGE / name for prefix in install_prefixes()], name)


def fast_dds_profile() -> Path:
    """Return the Fast DDS profile, installed or in a checkout; raises `DemoError` without one."""
    name = Path('config', 'fastdds.xml')
    return _found([prefix / 'share' / PACKAGE / name for prefix in install_prefixes()]
                  + [CHECKOUT / name], name.name)


def _found(candidates: list[Path], name: str) -> Path:
    for path in candidates:
        if path.is_file():
            return path
    raise DemoError(f'{name} is not installed (looked for {", ".join(map(str, candidates))}); '
                    'install the package with "pip install ." or "colcon build", and source '
                    "colcon's install/setup.bash")


def demo_environment(logs: Path) -> dict[str, str]:
    """Return the environment of the demo's processes; what the user has set stays.

    A ROS domain of its own keeps other robots' topics out. Raises `DemoError` when the package is
    not installed.

    Parameters
    ----------
    logs : Path
        Folder for the log files that ROS writes itself.
    """
    chosen = next((os.environ[name] for name in PROFILE_VARIABLES if name in os.environ),
                  None) or str(fast_dds_profile())
    defaults = {
        # Domains 1 to 101 are free of the system's own ports on every platform.
        'ROS_DOMAIN_ID': str(1 + os.getpid() % 101),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'ROS_LOG_DIR': str(logs.absolute() / 'ros'),
        'RCUTILS_COLORIZED_OUTPUT': '0',
        'PYTHONUNBUFFERED': '1',
        'AMENT_PREFIX_PATH': sys.prefix,
        **dict.fromkeys(PROFILE_VARIABLES, chosen),
        **MALLOC,
        **OPENMP,
    }
    return {**defaults, **os.environ}
