"""The demo command from end to end: real nodes over DDS, and what happens when one fails."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

from latent_rag_ros.tools.video_source import SHIPPED_CLIP

FRAMES = 30
TIMEOUT_S = 400
COMMAND = [sys.executable, '-m', 'latent_rag_ros.tools.command_line', 'demo']
NODES = ('protector_node', 'reidentifier_node', 'video_camera_node')

SLEEPS = """
import os, sys, time
with open(os.path.join({folder!r}, os.path.basename(__file__) + '.pid'), 'w') as file:
    file.write(str(os.getpid()))
time.sleep(600)
"""


def demo(words: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder`, away from the checkout."""
    return subprocess.run([*COMMAND, *words], cwd=folder, text=True, capture_output=True,
                          timeout=TIMEOUT_S, env={**os.environ, **environment})


@pytest.fixture(scope='module')
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Play the first seconds of the shipped clip as somebody's own video, once for all tests."""
    folder = tmp_path_factory.mktemp('demo')
    capture = cv2.VideoCapture(str(SHIPPED_CLIP))
    writer = cv2.VideoWriter(str(folder / 'own video.mp4'), cv2.VideoWriter_fourcc(*'mp4v'), 10,
                             (640, 480))
    for _ in range(FRAMES):
        writer.write(capture.read()[1])
    writer.release()
    result = demo(['--video', 'own video.mp4', '--out', 'out', '--rate', '5'], folder)
    assert result.returncode == 0, result.stderr
    return folder / 'out', result.stdout


def test_counters_add_up_to_the_frames_of_the_video(played):
    figures = json.loads((played[0] / 'summary.json').read_text())
    assert FRAMES / 2 < figures['frames_received'] <= FRAMES
    assert figures['frames_recorded'] <= figures['frames_protected']
    assert figures['frames_received'] == (figures['frames_protected'] + figures['frames_blanked']
                                          + figures['frames_dropped'])
    assert figures['frames_protected'] > 0 and figures['frames_blanked'] == 0
    assert figures['stamps_unknown'] == 0 and figures['stamps_repeated'] == 0


def test_summary_tells_who_was_protected_and_how_long_it_took(played):
    figures = json.loads((played[0] / 'summary.json').read_text())
    assert figures['persons_protected'] >= figures['identities_published'] > 0
    assert figures['identities_matched'] >= 0 and figures['fps'] > 0
    assert figures['latency_ms']['detect']['p95'] >= figures['latency_ms']['detect']['p50'] > 0
    assert figures['device'] and figures['method'] == 'latent_rag'
    assert set(figures['versions']) >= {'latent_rag_ros', 'rclpy', 'torch', 'faiss', 'opencv',
                                        'numpy', 'python'}


def test_video_and_sheet_are_complete(played):
    capture = cv2.VideoCapture(str(played[0] / 'protected.mp4'))
    assert capture.read()[1].shape == (480, 640, 3)
    assert cv2.imread(str(played[0] / 'before_after.png')) is not None
    names = {path.name for path in played[0].iterdir()}
    assert names == {'protected.mp4', 'before_after.png', 'summary.json', 'logs'}
    for name in ('protected.mp4', 'before_after.png', 'summary.json'):
        assert str(Path('out') / name) in played[1]


def test_every_node_left_a_log_without_a_traceback(played):
    for name in ('protector', 'reidentifier', 'video_camera'):
        assert 'Traceback' not in (played[0] / 'logs' / f'{name}.log').read_text()


@pytest.mark.parametrize('words, expected', [
    (['--video', 'absent.mp4'], 'absent.mp4'), (['--video', '/dev/video0'], 'has no end'),
    (['--rate', '-1'], '--rate is -1'), (['--rate', 'nan'], '--rate is nan')])
def test_wrong_input_is_named(tmp_path, words, expected):
    result = demo(words, tmp_path)
    assert result.returncode == 1 and expected in result.stderr
    assert 'Traceback' not in result.stderr
    assert not (tmp_path / 'out').exists()


def install_nodes(prefix: Path, **scripts: str) -> str:
    """Install programs in place of nodes that sleep else; return the prefix path to search."""
    folder = prefix / 'lib' / 'latent_rag_ros'
    folder.mkdir(parents=True)
    for name in NODES:
        (folder / name).write_text(scripts.get(name, SLEEPS.format(folder=str(prefix))))
    return os.pathsep.join([str(prefix), os.environ['AMENT_PREFIX_PATH']])


def is_running(process: int) -> bool:
    """Return whether a process exists."""
    return Path(f'/proc/{process}').exists()


def test_failing_node_ends_the_demo_with_its_log(tmp_path):
    prefixes = install_nodes(tmp_path / 'prefix',
                             protector_node='raise SystemExit("the weights are broken")')
    result = demo([], tmp_path, AMENT_PREFIX_PATH=prefixes)
    assert result.returncode == 1
    assert 'protector ended with exit status 1' in result.stderr
    assert 'the weights are broken' in result.stderr
    assert not list((tmp_path / 'out' / 'demo').glob('*.*'))


@pytest.mark.parametrize('number, status', [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupt_leaves_no_process_behind(tmp_path, number, status):
    prefix = tmp_path / 'prefix'
    environment = {**os.environ, 'AMENT_PREFIX_PATH': install_nodes(prefix)}
    process = subprocess.Popen(COMMAND, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    files = [prefix / f'{name}.pid' for name in ('protector_node', 'reidentifier_node')]
    end_s = time.monotonic() + TIMEOUT_S
    while not all(file.exists() and file.read_text() for file in files):
        assert process.poll() is None and time.monotonic() < end_s
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait(TIMEOUT_S) == status
    assert not any(is_running(int(file.read_text())) for file in files)
