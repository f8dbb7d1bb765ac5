"""Runs CMakeLists.txt over the PyPI wheels ros-jazzy-* and packs what it installs into a wheel.

Only pip reads this file; over an installed ROS 2, `colcon build` runs CMakeLists.txt itself.
Everything that is not built (name, version, requirements) stands in pyproject.toml.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
NAME = 'latent_rag_ros'


def stage_with_cmake(build: Path) -> Path:
    """Configure, build and install the project below `build`; return the install prefix.

    The wheels' prefix is taken from one of their packages, because pip's isolated build
    environment does not stand under `sys.prefix`.
    """
    import rosidl_cmake
    wheels = Path(rosidl_cmake.__file__).parents[4]
    stage = build / 'stage'
    shutil.rmtree(stage, ignore_errors=True)
    environment = dict(os.environ, AMENT_PREFIX_PATH=str(wheels))
    configure = ['-S', ROOT, '-B', build / 'cmake', '-DCMAKE_BUILD_TYPE=Release',
                 '-DBUILD_TESTING=OFF', '-DPYTHON_INSTALL_DIR=python',
                 f'-DCMAKE_PREFIX_PATH={wheels}', f'-DCMAKE_INSTALL_PREFIX={stage}',
                 f'-DPython3_EXECUTABLE={sys.executable}']
    for arguments in (configure,
                      ['--build', build / 'cmake', '--parallel', str(os.cpu_count() or 1)],
                      ['--install', build / 'cmake']):
        subprocess.run(['cmake', *arguments], check=True, env=environment)
    return stage


class BuildWithCMake(build_py):
    """Takes the Python package and the data files from what CMake installed."""

    def run(self) -> None:
        """Build, then hand the staged files to setuptools."""
        stage = stage_with_cmake(ROOT / 'build' / f'pip-{sys.implementation.cache_tag}')
        # Files of an earlier build that were renamed or removed since must not get into the wheel.
        package = Path(self.build_lib) / NAME
        shutil.rmtree(package, ignore_errors=True)
        shutil.copytree(stage / 'python' / NAME, package,
                        ignore=shutil.ignore_patterns('*.c', '__pycache__'))
        folders = [folder for top in (stage / 'lib', stage / 'share')
                   for folder in (top, *top.rglob('*')) if folder.is_dir()]
        self.distribution.data_files = [(
            str(folder.relative_to(stage)),
            [str(path) for path in folder.iterdir() if path.is_file()]) for folder in folders]


class BinaryDistribution(Distribution):
    """A distribution whose wheel is bound to one platform and Python, as message libraries are."""

    def has_ext_modules(self) -> bool:
        """Say yes, though no extension is listed: CMake builds them."""
        return True


setup(cmdclass={'build_py': BuildWithCMake}, distclass=BinaryDistribution)
