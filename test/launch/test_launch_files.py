"""What the launch files start: executed through the stand-ins, which need no ROS install."""
from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Describe = Callable[..., list[dict]]
RunStandIn = Callable[..., subprocess.CompletedProcess[str]]


def test_protect_starts_one_protector_on_the_plain_topics(described: Describe) -> None:
    protector, = described('protect.launch.py')
    assert (protector['package'], protector['executable'], protector['name'],
            protector['namespace']) == ('latent_rag_ros', 'protector_node', 'protector', '')
    assert protector['parameters'] == {'autostart': True}
    assert all(old == new for old, new in protector['remappings'].items())
    assert protector['ros_arguments'] == ['--log-level', 'info']
    config, = protector['parameter_files']
    assert Path(config).read_text() == (ROOT / 'config' / 'protector.yaml').read_text()


def test_protect_passes_every_argument_on(described: Describe, tmp_path: Path) -> None:
    protector, = described(
        'protect.launch.py', 'namespace:=front', 'image:=color/image', 'camera_info:=color/info',
        'identities:=/people', f'params_file:={tmp_path}/mine.yaml', 'autostart:=false',
        'log_level:=debug')
    assert protector['namespace'] == 'front'
    assert protector['remappings'] == {
        'image_raw': 'color/image', 'image_raw/compressed': 'color/image/compressed',
        'camera_info': 'color/info', 'identities': '/people'}
    assert protector['parameter_files'] == [f'{tmp_path}/mine.yaml']
    assert protector['parameters'] == {'autostart': False}
    assert protector['ros_arguments'] == ['--log-level', 'debug']


def test_protect_refuses_a_wrong_autostart(run_stand_in: RunStandIn) -> None:
    result = run_stand_in('protect.launch.py', 'autostart:=maybe')
    assert result.returncode != 0
    assert 'autostart' in result.stderr


def test_demo_starts_camera_protector_and_reidentifier_in_one_namespace(
        described: Describe) -> None:
    nodes = {node['name']: node for node in described('demo.launch.py', 'video:=people.avi')}
    assert set(nodes) == {'protector', 'reidentifier', 'video_camera'}
    assert {node['namespace'] for node in nodes.values()} == {'camera'}
    assert nodes['video_camera']['parameters'] == {'source': 'people.avi', 'loop': True}
    for node in nodes.values():
        for file in node['parameter_files']:
            assert Path(file).is_file()


def test_demo_starts_rviz_with_the_shipped_view_when_asked(described: Describe) -> None:
    rviz = described('demo.launch.py', 'rviz:=true')[-1]
    assert rviz['executable'] == 'rviz2'
    view = Path(rviz['arguments'][1]).read_text()
    assert '/camera/protected/image' in view
    assert '/camera/protected/overlay' in view


def test_multi_camera_starts_a_protector_per_camera_and_one_reidentifier(
        described: Describe) -> None:
    front, rear, reidentifier = described('multi_camera.launch.py', 'cameras:=front, rear',
                                          'image:=image')
    assert [front['namespace'], rear['namespace']] == ['front', 'rear']
    for protector in (front, rear):
        assert protector['executable'] == 'protector_node'
        assert protector['remappings']['image_raw'] == 'image'
        assert protector['remappings']['identities'] == '/identities'
    assert (reidentifier['executable'], reidentifier['namespace']) == ('reidentifier_node', '')


def test_multi_camera_leaves_the_reidentifier_out_when_asked(described: Describe) -> None:
    nodes = described('multi_camera.launch.py', 'cameras:=front', 'reidentifier:=false')
    assert [node['name'] for node in nodes] == ['protector']


@pytest.mark.parametrize('cameras', ['', ' , ', 'front,front'])
def test_multi_camera_refuses_no_camera_and_the_same_camera_twice(
        run_stand_in: RunStandIn, cameras: str) -> None:
    result = run_stand_in('multi_camera.launch.py', f'cameras:={cameras}')
    assert result.returncode != 0
    assert f'cameras is {cameras!r}' in result.stderr


@pytest.mark.parametrize('arguments', [
    ['protect.launch.py'], ['demo.launch.py'], ['multi_camera.launch.py', 'cameras:=front']])
def test_every_launch_file_sets_the_image_transport(
        described: Describe, arguments: list[str]) -> None:
    for node in described(*arguments):
        if node['name'] == 'protector' or arguments == ['demo.launch.py']:
            environment = node['environment']
            profiles = environment['FASTRTPS_DEFAULT_PROFILES_FILE']
            assert Path(profiles).read_text() == (ROOT / 'config' / 'fastdds.xml').read_text()
            assert environment['FASTDDS_DEFAULT_PROFILES_FILE'] == profiles
            assert int(environment['MALLOC_MMAP_THRESHOLD_']) == 2 ** 30


def test_a_variable_that_is_set_already_keeps_its_value(described: Describe) -> None:
    protector, = described('protect.launch.py', FASTRTPS_DEFAULT_PROFILES_FILE='mine.xml')
    assert protector['environment']['FASTRTPS_DEFAULT_PROFILES_FILE'] == 'mine.xml'
