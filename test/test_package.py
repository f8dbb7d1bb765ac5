"""What the package says about itself is the same everywhere."""
from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import latent_rag_ros

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = ElementTree.parse(ROOT / 'package.xml').getroot()


def test_package_xml_has_the_version_of_the_module() -> None:
    assert MANIFEST.findtext('version') == latent_rag_ros.__version__


def test_changelog_starts_with_the_version() -> None:
    text = (ROOT / 'CHANGELOG.rst').read_text(encoding='utf-8')
    assert re.search(r'^(\d+\.\d+\.\d+) \(\d{4}-\d\d-\d\d\)$', text, re.MULTILINE)[1] == (
        latent_rag_ros.__version__)


def test_pyproject_takes_the_version_from_the_module() -> None:
    text = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    assert 'dynamic = ["version"]' in text
    assert 'version = { attr = "latent_rag_ros.__version__" }' in text


def test_every_node_is_a_command() -> None:
    nodes = {path.stem for path in (ROOT / 'latent_rag_ros' / 'nodes').glob('*_node.py')}
    text = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    commands = dict(re.findall(r'^(\w+_node) = "latent_rag_ros\.nodes\.(\w+):main"$', text,
                               re.MULTILINE))
    assert commands == {node: node for node in nodes}
    assert nodes == {'protector_node', 'reidentifier_node', 'video_camera_node'}


def test_manifest_names_every_message_package_that_pip_installs() -> None:
    depends = {element.text for element in MANIFEST if element.tag in ('depend', 'exec_depend')}
    text = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    runtime = text.split('\ndependencies = [')[1].split('\n]')[0]
    wheels = {name.replace('-', '_') for name in re.findall(r'"ros-jazzy-([a-z-]+)"', runtime)}
    assert wheels - {'rmw_fastrtps_cpp'} <= depends


def test_requirements_list_is_printed_whole() -> None:
    result = subprocess.run([sys.executable, ROOT / 'scripts' / 'print_requirements.py'],
                            capture_output=True, text=True, check=True, timeout=60)
    printed = result.stdout.splitlines()
    assert {'catkin-pkg', 'ros-jazzy-rclpy', 'torch==2.13.0',
            'scikit-image>=0.22,<1', 'pytest>=7.4,<9'} <= set(printed)


def test_installed_package_is_under_test() -> None:
    installed = Path(latent_rag_ros.__path__[0])
    assert (installed / 'msg').is_dir()
    assert installed != ROOT / 'latent_rag_ros'
