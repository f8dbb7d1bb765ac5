"""Rendered folders as held-out people."""
from __future__ import annotations

import sys

import numpy as np
import pytest

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.ranking import Labels
from latent_rag_ros.evaluation.rendered_people import (
    PEOPLE, SEEDS, Rendering, are_of_the_figures, read_rendering, rendered_folders)


def write_crops(folder, identities, cameras, level=0):
    """Write crops as `latent-rag synthesize` does; the upper half of each is the person."""
    (folder / 'crops').mkdir(parents=True, exist_ok=True)
    images = np.zeros((len(identities), 128, 64, 3), np.uint8)
    images[..., 0], images[..., 2] = 200, level
    masks = np.zeros((len(identities), 128, 64), bool)
    masks[:, :64] = True
    np.savez(folder / 'crops' / 'crops_000000.npz', images=images,
             identities=np.array(identities), cameras=np.array(cameras),
             masks=np.stack([np.packbits(mask) for mask in masks]))
    return folder


def test_rendering_has_identities_from_one_and_masks(tmp_path):
    folder = write_crops(tmp_path / 'street', [0, 0, 500, 500], [1, 2, 1, 2])
    rendering = read_rendering(folder)
    assert rendering.name == 'street'
    assert rendering.people.labels.identities.tolist() == [1, 1, 2, 2]
    assert rendering.people.images[0, 0, 0].tolist() == [200, 0, 0]
    assert rendering.masks[:, :64].all() and not rendering.masks[:, 64:].any()
    assert len(read_rendering(folder / 'crops', 1).people) == 2
    assert read_rendering(folder / 'crops', 1).masks.shape == (2, 128, 64)


def test_rendering_is_named_by_its_seed(tmp_path):
    folder = write_crops(tmp_path / 'any', [0, 0], [1, 2])
    (folder / 'synthesis.json').write_text('{"seed": 101}')
    assert read_rendering(folder).name == 'seed 101'
    assert read_rendering(folder / 'crops').name == 'seed 101'


def test_rendering_has_another_hash_when_a_pixel_differs(tmp_path):
    one = write_crops(tmp_path / 'one', [0, 0], [1, 2])
    same = write_crops(tmp_path / 'same', [0, 0], [1, 2])
    other = write_crops(tmp_path / 'other', [0, 0], [1, 2], level=1)
    hashes = [read_rendering(folder).sha256 for folder in (one, same, other)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_figures_need_all_their_seeds_with_all_their_people():
    identities = np.repeat(np.arange(1, PEOPLE + 1), 12)
    labels = Labels(identities, np.zeros_like(identities))
    people = HeldOutPeople(np.zeros((len(identities), 1, 1, 3), np.uint8), labels)
    renderings = [Rendering(f'seed {seed}', people, '') for seed in SEEDS]
    assert are_of_the_figures(renderings)
    assert not are_of_the_figures(renderings[:2])
    assert not are_of_the_figures([*renderings[:2], Rendering('seed 7', people, '')])
    fewer = people.first_identities(PEOPLE - 1)
    assert not are_of_the_figures([*renderings[:2], Rendering(renderings[2].name, fewer, '')])


def test_rendering_without_crops_or_with_one_camera_is_refused(tmp_path):
    with pytest.raises(EvaluationError, match='latent-rag synthesize'):
        read_rendering(tmp_path)
    with pytest.raises(EvaluationError, match='one camera'):
        read_rendering(write_crops(tmp_path / 'one', [0, 0], [1, 1]))


def test_rendering_without_the_extra_names_it(tmp_path, monkeypatch):
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.setitem(sys.modules, 'numba', None)  # as if it were not installed
    for name in [name for name in sys.modules if name.startswith('latent_rag_ros.synthesis')]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(EvaluationError, match=r'numba.*latent-rag-ros\[synthesis\]'):
        rendered_folders([1])
