"""The packing scripts write what the loaders read, and the same bytes every time."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.evaluation.frames import held_out_frames
from latent_rag_ros.evaluation.held_out import held_out_file, load_held_out_people

SCRIPTS = Path(__file__).parents[2] / 'scripts'
pytestmark = pytest.mark.skipif(not SCRIPTS.exists(), reason='needs the source tree')


def render(folder: Path) -> None:
    """Three people in three cameras, two crops each; the red level tells person and crop."""
    rows = [(person, camera, crop) for person in (5, 6, 7) for camera in (1, 2, 3)
            for crop in (0, 1)]
    images = np.zeros((len(rows), 128, 64, 3), np.uint8)
    for image, (person, _, crop) in zip(images, rows):
        image[..., 0] = 20 * person + 100 * crop
    np.savez(folder / '5.npz', images=images, identities=[row[0] for row in rows],
             cameras=[row[1] for row in rows])


def pack(what: str, rendered: Path, output: Path, *more: str) -> subprocess.CompletedProcess:
    script = SCRIPTS / f'pack_held_out_{what}.py'
    return subprocess.run([sys.executable, script, rendered, output, *more],
                          capture_output=True, text=True, timeout=120, check=False)


def test_pack_keeps_the_first_crop_of_the_drawn_cameras(tmp_path):
    render(tmp_path)
    output = held_out_file('test', tmp_path)
    done = pack('people', tmp_path, output, '--identities', '2', '--cameras', '2')
    assert done.returncode == 0, done.stderr
    people = load_held_out_people('test', tmp_path)
    assert people.labels.identities.tolist() == [5, 5, 6, 6]
    red = people.images[..., 0].mean(axis=(1, 2))
    np.testing.assert_allclose(red, [100, 100, 120, 120], atol=3)
    first = output.read_bytes()
    output.unlink()
    pack('people', tmp_path, output, '--identities', '2', '--cameras', '2')
    assert output.read_bytes() == first


def test_pack_refuses_more_people_than_were_rendered(tmp_path):
    render(tmp_path)
    done = pack('people', tmp_path, tmp_path / 'out.npz', '--identities', '9')
    assert done.returncode != 0
    assert '3 identities are rendered' in done.stderr
    assert not (tmp_path / 'out.npz').exists()


def test_pack_keeps_the_masks_of_frames_exactly(tmp_path):
    masks = np.random.default_rng(3).integers(4, size=(3, 48, 64), dtype=np.uint8)
    images = np.zeros((3, 48, 64, 3), np.uint8)
    images[..., 0] = 200
    np.savez(tmp_path / 'rendered.npz', X=images, M=masks)
    done = pack('frames', tmp_path / 'rendered.npz', tmp_path / 'packed.npz', '--frames', '2')
    assert done.returncode == 0, done.stderr
    frames = list(held_out_frames(tmp_path / 'packed.npz'))
    assert len(frames) == 2
    for frame, mask in zip(frames, masks):
        np.testing.assert_array_equal(frame.labels, mask)
        np.testing.assert_allclose(frame.image.mean(axis=(0, 1)), [0, 0, 200], atol=3)


def test_pack_refuses_more_frames_than_were_rendered(tmp_path):
    np.savez(tmp_path / 'rendered.npz', X=np.zeros((1, 8, 8, 3), np.uint8),
             M=np.zeros((1, 8, 8), np.uint8))
    done = pack('frames', tmp_path / 'rendered.npz', tmp_path / 'packed.npz')
    assert done.returncode != 0
    assert '1 frames' in done.stderr
    assert not (tmp_path / 'packed.npz').exists()
