"""Processes of the demo: logged, and gone when they have to be."""
from __future__ import annotations

import os
import signal
import sys
import time

from latent_rag_ros.tools.child_process import ChildProcess, stop_all

IGNORES_SIGNALS = """
import signal, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
print('ready', flush=True)
time.sleep(600)
"""
WITH_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
print(child.pid, flush=True)
time.sleep(600)
"""


def started(tmp_path, code: str) -> ChildProcess:
    """Start Python code in a process."""
    return ChildProcess('child', [sys.executable, '-c', code], os.environ, tmp_path / 'child.log')


def wait_for_log(child: ChildProcess, timeout_s: float = 60.0) -> str:
    """Return the log of a process once there is one."""
    end_s = time.monotonic() + timeout_s
    while not child.log_tail():
        assert child.exit_status is None and time.monotonic() < end_s
        child.wait(0.02)
    return child.log_tail()


def test_log_holds_both_outputs_and_exit_status_is_kept(tmp_path):
    child = started(tmp_path, 'import sys; print("out"); sys.exit("reason")')
    assert child.wait(60)
    assert child.exit_status == 1
    assert set(child.log_tail().splitlines()) == {'out', 'reason'}
    assert child.log_tail(1) in ('out', 'reason')


def test_stop_ends_a_process_that_ignores_signals(tmp_path, monkeypatch):
    monkeypatch.setattr('latent_rag_ros.tools.child_process.STOP_SIGNALS', (
        (signal.SIGINT, 0.1), (signal.SIGTERM, 0.1), (signal.SIGKILL, 60.0)))
    child = started(tmp_path, IGNORES_SIGNALS)
    wait_for_log(child)
    stop_all([child])
    assert child.exit_status == -signal.SIGKILL


def test_stop_reaches_the_whole_group(tmp_path):
    child = started(tmp_path, WITH_CHILD)
    grandchild = int(wait_for_log(child))
    stop_all([child])
    assert child.exit_status is not None
    end_s = time.monotonic() + 60
    while is_running(grandchild):
        assert time.monotonic() < end_s
        time.sleep(0.02)


def is_running(process: int) -> bool:
    """Return whether a process exists and is no zombie."""
    try:
        with open(f'/proc/{process}/stat', encoding='ascii') as file:
            return file.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_stop_leaves_ended_processes_alone(tmp_path):
    child = started(tmp_path, 'pass')
    assert child.wait(60)
    stop_all([child])
    assert child.exit_status == 0
