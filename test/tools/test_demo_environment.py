"""Where the demo looks for the package, and what its processes get to see."""
from __future__ import annotations

import os
from pathlib import Path

import pytest

from latent_rag_ros.tools.demo_environment import (
    demo_environment, fast_dds_profile, install_prefixes, node_executable)
from latent_rag_ros.tools.demo_error import DemoError


def test_listed_prefixes_come_before_the_interpreters_own(monkeypatch):
    monkeypatch.setattr('sys.prefix', '/venv')
    listed = {'AMENT_PREFIX_PATH': os.pathsep.join(['/workspace', '', '/venv'])}
    assert install_prefixes(listed) == [Path('/workspace'), Path('/venv')]
    assert install_prefixes({}) == [Path('/venv')]


def test_profile_is_found_in_an_install_first(tmp_path, monkeypatch):
    installed = tmp_path / 'share' / 'latent_rag_ros' / 'config' / 'fastdds.xml'
    installed.parent.mkdir(parents=True)
    installed.touch()
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    assert fast_dds_profile() == installed


def test_missing_node_says_how_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    with pytest.raises(DemoError, match=rf'{tmp_path}.*colcon build'):
        node_executable('no_such_node')


def test_user_settings_stay(tmp_path, monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', '77')
    monkeypatch.delenv('FASTDDS_DEFAULT_PROFILES_FILE', raising=False)
    monkeypatch.setenv('FASTRTPS_DEFAULT_PROFILES_FILE', '/own/profile.xml')
    environment = demo_environment(tmp_path)
    assert environment['ROS_DOMAIN_ID'] == '77'
    assert environment['FASTRTPS_DEFAULT_PROFILES_FILE'] == '/own/profile.xml'
    assert environment['FASTDDS_DEFAULT_PROFILES_FILE'] == '/own/profile.xml'


def test_defaults_keep_the_demo_to_itself(tmp_path, monkeypatch):
    for name in ('ROS_DOMAIN_ID', 'ROS_AUTOMATIC_DISCOVERY_RANGE'):
        monkeypatch.delenv(name, raising=False)
    environment = demo_environment(tmp_path)
    assert 1 <= int(environment['ROS_DOMAIN_ID']) <= 101
    assert environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert Path(environment['ROS_LOG_DIR']).is_relative_to(tmp_path)
