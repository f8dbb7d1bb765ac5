"""The rejection sampler: what it accepts, that it repeats itself, and that it gives up."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.identity_decoupling.gallery import (
    IdentityGallery, load_gallery, save_gallery)
from latent_rag_ros.identity_decoupling.manifold import MahalanobisManifold, NeighbourManifold
from latent_rag_ros.identity_decoupling.rejection_sampler import RejectionSampler
from latent_rag_ros.identity_decoupling.replacements import KEPT_ABOVE, Replacements
from latent_rag_ros.weights.registry import WeightsError

KEY = bytes(range(32))
DIMENSION = 8


@pytest.fixture
def gallery() -> IdentityGallery:
    """Return codes of a thin subspace: five of eight dimensions nearly unused."""
    random = np.random.default_rng(0)
    spread = np.array([1, 1, 1, .05, .05, .05, .05, .05])
    return IdentityGallery(random.standard_normal((300, DIMENSION)) * spread)


@pytest.fixture
def sampler(gallery: IdentityGallery) -> RejectionSampler:
    """Return a sampler over the gallery."""
    return RejectionSampler(gallery, KEY, 0.3, NeighbourManifold(gallery))


def test_replacement_is_far_from_the_original(sampler: RejectionSampler,
                                              gallery: IdentityGallery) -> None:
    for track, original in enumerate(gallery.codes):
        row = sampler.draw(original, track)
        assert row is not None and gallery.codes[row] @ original < 0.3


def test_draw_repeats_itself_for_the_same_track_and_key(
        sampler: RejectionSampler, gallery: IdentityGallery) -> None:
    again = RejectionSampler(gallery, KEY, 0.3, NeighbourManifold(gallery))
    rows = [sampler.draw(gallery.codes[0], track) for track in range(50)]
    assert rows == [again.draw(7 * gallery.codes[0], track) for track in range(50)]
    assert len(set(rows)) > 20


def test_another_key_gives_other_replacements(sampler: RejectionSampler,
                                              gallery: IdentityGallery) -> None:
    other = RejectionSampler(gallery, bytes(32), 0.3, NeighbourManifold(gallery))
    same = [sampler.draw(gallery.codes[0], track) == other.draw(gallery.codes[0], track)
            for track in range(100)]
    assert np.mean(same) < 0.2


def test_rows_are_drawn_as_often_as_the_leak_assumes(gallery: IdentityGallery) -> None:
    few = IdentityGallery(gallery.codes[:6])
    sampler = RejectionSampler(few, KEY, 0.5)
    far = few.codes @ few.codes[0] < 0.5
    drawn = np.array([sampler.draw(few.codes[0], track) for track in range(3000)])
    counts = np.bincount(drawn, minlength=6) / 3000
    assert np.allclose(counts, far / far.sum(), atol=0.05)


def test_nothing_is_drawn_when_every_code_is_too_near(gallery: IdentityGallery) -> None:
    sampler = RejectionSampler(gallery, KEY, -1.0)
    assert sampler.draw(gallery.codes[0], 1) is None
    assert sampler.leak().solid_share == 1


@pytest.mark.parametrize('value', [0.0, np.nan, np.inf])
def test_nothing_is_drawn_for_a_code_that_is_none(sampler: RejectionSampler,
                                                  value: float) -> None:
    assert sampler.draw(np.full(DIMENSION, value, np.float32), 1) is None


def test_unrealistic_codes_are_never_drawn(gallery: IdentityGallery) -> None:
    strange = np.zeros((1, DIMENSION), np.float32)
    strange[0, -1] = 1
    mixed = IdentityGallery(np.concatenate([gallery.codes, strange]))
    for manifold in (MahalanobisManifold(gallery), NeighbourManifold(gallery)):
        assert not manifold.contains(strange).any()
        assert manifold.contains(gallery.codes).mean() >= 0.98
        sampler = RejectionSampler(mixed, KEY, 0.3, manifold)
        assert len(gallery) not in sampler.proposed


def test_sampler_reports_one_bit_for_two_orthogonal_codes() -> None:
    leak = RejectionSampler(IdentityGallery(np.eye(2)), KEY, 0.3).leak()
    assert leak.bound_bits == 1 and leak.exact_bits == 1


def test_track_keeps_its_replacement_while_that_is_far_enough(
        sampler: RejectionSampler, gallery: IdentityGallery) -> None:
    replacements = Replacements(sampler)
    first = replacements.replacement(gallery.codes[0], 5)
    random = np.random.default_rng(2)
    for _ in range(20):
        look = gallery.codes[0] + 0.02 * random.standard_normal(DIMENSION)
        if gallery.codes[first] @ look / np.linalg.norm(look) < 0.3:
            assert replacements.replacement(look, 5) == first
    assert replacements.redraws == 0


def test_track_keeps_its_replacement_when_looks_of_the_person_differ(
        gallery: IdentityGallery) -> None:
    sampler = RejectionSampler(gallery, KEY, -0.2)
    replacements = Replacements(sampler)
    first = replacements.replacement(gallery.codes[0], 5)
    for share, is_kept in ((0.1, True), (0.25, True), (5.0, False)):
        look = gallery.codes[0] + share * gallery.codes[first]
        look /= np.linalg.norm(look)
        assert (look @ gallery.codes[first] < -0.2 + KEPT_ABOVE) == is_kept
        assert (replacements.replacement(look, 5) == first) == is_kept


def test_replacement_changes_when_the_person_turns_out_to_be_near(
        sampler: RejectionSampler, gallery: IdentityGallery) -> None:
    replacements = Replacements(sampler)
    first = replacements.replacement(gallery.codes[0], 5)
    second = replacements.replacement(gallery.codes[first], 5)
    assert second != first and gallery.codes[second] @ gallery.codes[first] < 0.3
    assert replacements.redraws == 1
    replacements.keep_only([])
    assert replacements.replacement(gallery.codes[0], 5) == first


def test_track_gets_a_solid_fill_when_its_code_is_lost(sampler: RejectionSampler,
                                                       gallery: IdentityGallery) -> None:
    replacements = Replacements(sampler)
    assert replacements.replacement(gallery.codes[0], 5) is not None
    assert replacements.replacement(np.full(DIMENSION, np.nan), 5) is None


@pytest.mark.parametrize(('arguments', 'message'), [
    ({'key': b'short'}, 'key has 5 bytes'), ({'cosine_max': 1.5}, 'cosine_max is 1.5'),
    ({'tries': 0}, 'tries is 0')])
def test_sampler_refuses_settings_that_protect_nobody(
        gallery: IdentityGallery, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RejectionSampler(gallery, **{'key': KEY} | arguments)


def test_gallery_comes_back_from_its_file(tmp_path: Path, gallery: IdentityGallery) -> None:
    save_gallery(tmp_path / 'faces.safetensors', gallery, 'rendered heads of seed 1')
    again = load_gallery(tmp_path / 'faces.safetensors')
    np.testing.assert_allclose(again.codes, gallery.codes, atol=1e-3)


def test_gallery_is_refused_when_it_is_none(tmp_path: Path) -> None:
    (tmp_path / 'faces.safetensors').write_bytes(b'nothing')
    with pytest.raises(WeightsError, match='holds no gallery'):
        load_gallery(tmp_path / 'faces.safetensors')
    with pytest.raises(ValueError, match='zero or not finite'):
        IdentityGallery(np.zeros((3, 4)))
