"""The packing script writes what the loader reads, and the same bytes every time."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.evaluation.held_out import held_out_file, load_held_out_people

SCRIPT = Path(__file__).parents[2] / 'scripts' / 'pack_held_out_people.py'
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason='needs the source tree')


def render(folder: Path) -> None:
    """Three people in three cameras, two crops each; the red level tells person and crop."""
    rows = [(person, camera, crop) for person in (5, 6, 7) for camera in (1, 2, 3)
            for crop in (0, 1)]
    images = np.zeros((len(rows), 128, 64, 3), np.uint8)
    for image, (person, _, crop) in zip(images, rows):
        image[..., 2] = 20 * person + 100 * crop
    np.savez(folder / '5.npz', X=images, Y=[row[0] for row in rows], C=[row[1] for row in rows])


def pack(folder: Path, output: Path, *more: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, SCRIPT, folder, output, *more], capture_output=True,
                          text=True, timeout=120, check=False)


def test_pack_keeps_the_first_crop_of_the_drawn_cameras(tmp_path):
    render(tmp_path)
    output = held_out_file('test', tmp_path)
    done = pack(tmp_path, output, '--identities', '2', '--cameras', '2')
    assert done.returncode == 0, done.stderr
    people = load_held_out_people('test', tmp_path)
    assert people.labels.identities.tolist() == [5, 5, 6, 6]
    red = people.images[..., 0].mean(axis=(1, 2))
    np.testing.assert_allclose(red, [100, 100, 120, 120], atol=3)
    first = output.read_bytes()
    output.unlink()
    pack(tmp_path, output, '--identities', '2', '--cameras', '2')
    assert output.read_bytes() == first


def test_pack_refuses_more_people_than_were_rendered(tmp_path):
    render(tmp_path)
    done = pack(tmp_path, tmp_path / 'out.npz', '--identities', '9')
    assert done.returncode != 0
    assert '3 identities are rendered' in done.stderr
    assert not (tmp_path / 'out.npz').exists()
