"""The command `latent-rag bench`: parts in processes, failures named, real nodes measured."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from latent_rag_ros.bench.part_files import PartFiles
from latent_rag_ros.bench.parts import Part
from latent_rag_ros.bench.scene import LOOP_FRAMES, Scene
from latent_rag_ros.tools.bench_end_to_end import write_frames
from latent_rag_ros.tools.bench_runner import ATTEMPTS, Runner
from latent_rag_ros.tools.video_source import open_video_source

COMMAND = [sys.executable, '-m', 'latent_rag_ros.tools.command_line', 'bench']
TIMEOUT_S = 900


def bench(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder`, away from the checkout."""
    return subprocess.run([*COMMAND, *words], cwd=folder, text=True, capture_output=True,
                          timeout=TIMEOUT_S, env=os.environ)


def test_part_that_fails_is_tried_again_and_named(tmp_path, caplog):
    runner = Runner(PartFiles(tmp_path / 'parts', 'x'), tmp_path / 'logs')
    outcome = runner.run([Part('broken', 'no such kind', 1.0)])
    assert outcome.records == {} and 'KeyError' in outcome.failures['broken']
    assert caplog.text.count('broken, attempt') == ATTEMPTS


def test_part_that_is_measured_is_not_measured_again(tmp_path):
    part, files = Part('kept', 'no such kind', 1.0), PartFiles(tmp_path / 'parts', 'x')
    files.write(part, {'figures': {'ms': 3}})
    outcome = Runner(files, tmp_path / 'logs').run([part])
    assert outcome.records['kept']['figures'] == {'ms': 3} and outcome.failures == {}


def test_frames_for_the_camera_are_one_loop_without_loss(tmp_path):
    write_frames(Scene(64, 48, 1, 1, 1), tmp_path)
    source = open_video_source(str(tmp_path))
    assert len(list(tmp_path.iterdir())) == LOOP_FRAMES
    assert source.read().shape == (48, 64, 3)
    source.close()


def test_check_names_a_baseline_that_is_missing(tmp_path):
    result = bench(['--check', 'absent.json', '--device', 'cpu'], tmp_path)
    assert result.returncode == 1 and 'absent.json' in result.stderr


@pytest.mark.slow
def test_nodes_are_measured_end_to_end(tmp_path):
    result = bench(['--parts', 'end_to_end.fast.640x480.1', '--device', 'cpu', '--minutes', '0'],
                   tmp_path)
    assert result.returncode == 0, result.stderr
    results = json.loads((tmp_path / 'out' / 'bench' / 'bench_cpu.json').read_text())
    figures = results['end_to_end_by_coverage']['fast']['640x480']['1']
    frames = figures['frames']
    assert frames['received'] > 0 and figures['peak_rss_mb'] > 100
    # what is in work or waiting at the beginning and at the end makes a difference of a few
    ended = frames['protected'] + frames['blanked'] + frames['dropped']
    assert abs(frames['received'] - ended) <= 3
    assert 'end_to_end.fast.640x480.1' in results['about']['parts']
    assert 'published' in figures['frames'] and '`fast`' in result.stdout
