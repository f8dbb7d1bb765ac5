"""Executes launch files through the stand-ins, which need no ROS install."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

DESCRIBE = Path(__file__).resolve().parents[1] / 'launch_stand_in' / 'describe.py'
TRANSPORT = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE',
             'MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_', 'MALLOC_TOP_PAD_')


@pytest.fixture(scope='session')
def run_stand_in() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that executes a launch file with arguments and environment variables."""
    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if name not in TRANSPORT}
        return subprocess.run([sys.executable, DESCRIBE, *arguments], capture_output=True,
                              text=True, env=clean | environment, check=False, timeout=60)
    return run


@pytest.fixture(scope='session')
def described(run_stand_in: Callable[..., subprocess.CompletedProcess[str]],
              ) -> Callable[..., list[dict]]:
    """Return a function that returns the nodes which a launch file starts."""
    def describe(*arguments: str, **environment: str) -> list[dict]:
        result = run_stand_in(*arguments, **environment)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)
    return describe
