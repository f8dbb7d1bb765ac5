"""The gallery on every backend: enrolment, search, capacity, erasure."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.gallery.backend import Backend
from latent_rag_ros.gallery.faiss_backend import FaissBackend
from latent_rag_ros.gallery.features import Features, FeatureSpace, GalleryError
from latent_rag_ros.gallery.gallery import Gallery
from latent_rag_ros.gallery.milvus_backend import MilvusBackend

from .conftest import People, PeopleOf


@pytest.fixture
def people(people_of: PeopleOf) -> People:
    """Return 12 simulated persons."""
    return people_of(12)


@pytest.fixture(params=['faiss', 'milvus'])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Return each backend, empty."""
    if request.param == 'milvus':
        for module in ('pymilvus', 'milvus_lite'):
            pytest.importorskip(module, reason='the extra milvus is not installed')
        backend = MilvusBackend(str(tmp_path / 'gallery.db'))
    else:
        backend = FaissBackend()
    yield backend
    backend.close()


@pytest.fixture
def gallery(people: People, backend: Backend) -> Gallery:
    """Return a gallery of the persons 0..4, which get the ids 1..5."""
    gallery = Gallery(features_per_identity=3, identities_max=5, backend=backend)
    for person in range(5):
        gallery.enrol(people.seen(person, person), 100 + person, 200 + person)
    return gallery


def test_match_finds_the_person_when_enrolled(gallery: Gallery, people: People) -> None:
    """A new view of an enrolled person is nearest to that person, by far."""
    for person, (first, second) in enumerate(gallery.match(people.seen(*range(5)), 2)):
        assert first.identity_id == person + 1
        assert first.similarity > 0.8 > 0.5 > second.similarity


def test_match_returns_distinct_identities_when_one_fills_the_top(gallery: Gallery,
                                                                  people: People) -> None:
    """As many identities come back as were asked for, however many features each has."""
    gallery.observe(1, 300, people.seen(0))
    for ranked in gallery.match(people.seen(0, 7), 5):
        assert sorted(candidate.identity_id for candidate in ranked) == [1, 2, 3, 4, 5]
        similarities = [candidate.similarity for candidate in ranked]
        assert similarities == sorted(similarities, reverse=True)


def test_match_finds_nobody_when_gallery_is_empty(people: People) -> None:
    """An empty gallery answers with no candidates."""
    assert Gallery(3, 5).match(people.seen(0, 1), 4) == [[], []]


def test_erase_removes_the_vectors_when_identity_is_known(gallery: Gallery,
                                                          people: People) -> None:
    """An erased person is not found again, its features have left the index, its id too."""
    assert gallery.feature_count == 10
    assert gallery.erase(3) == 2
    assert gallery.feature_count == 8
    assert 3 not in gallery and len(gallery) == 4
    [ranked] = gallery.match(people.seen(2), 5)
    assert 3 not in [candidate.identity_id for candidate in ranked]
    assert ranked[0].similarity < 0.5
    assert gallery.enrol(people.seen(2), 0, 0) == 6


def test_erase_is_refused_when_identity_is_unknown(gallery: Gallery) -> None:
    """Erasing twice, or somebody who never was there, is an error that names the id."""
    gallery.erase(3)
    for identity_id in (3, 99, 0):
        with pytest.raises(GalleryError, match=f'identity {identity_id} is not in the gallery'):
            gallery.erase(identity_id)


def test_erase_all_allows_another_model_when_done(gallery: Gallery, people: People) -> None:
    """After erase_all nothing is known, ids go on, and a new feature space may begin."""
    assert gallery.erase_all() == 5
    assert gallery.feature_count == 0 and gallery.identities() == []
    other = Features(FeatureSpace('other', '', 8), np.eye(8, dtype=np.float32)[:1])
    assert gallery.match(other) == [[]]
    assert gallery.enrol(other, 1, 1) == 6
    with pytest.raises(GalleryError):
        gallery.match(people.seen(0))


def test_features_are_bounded_when_observed_often(gallery: Gallery, people: People) -> None:
    """At most features_per_identity are kept, the oldest goes, stamps widen."""
    views = [people.seen(0) for _ in range(7)]
    for stamp, view in enumerate(views, start=50):
        gallery.observe(1, stamp, view)
    gallery.observe(1, 999)
    identity = gallery.identities()[0]
    assert (identity.feature_count, identity.first_seen_ns, identity.last_seen_ns) == (3, 50, 999)
    assert gallery.feature_count == 11
    similarities = [gallery.similarity(1, view)[0] for view in views]
    assert max(similarities[:4]) < 0.999 < min(similarities[4:])


def test_enrol_keeps_the_newest_when_given_too_many(people: People) -> None:
    """An identity enrolled with more features than are kept holds the last ones."""
    gallery = Gallery(2, 5)
    views = people.seen(0, 0, 0)
    gallery.enrol(views, 1, 3)
    kept = np.isclose(gallery.similarity(1, views), 1, atol=1e-5)
    assert kept.tolist() == [False, True, True]


def test_enrol_evicts_the_longest_unseen_when_full(gallery: Gallery, people: People) -> None:
    """The identity whose last observation is oldest makes room; its features leave."""
    gallery.observe(1, 10_000)
    assert gallery.enrol(people.seen(8), 20_000, 20_000) == 6
    assert [identity.identity_id for identity in gallery.identities()] == [1, 3, 4, 5, 6]
    assert gallery.match(people.seen(1))[0][0].similarity < 0.5
    assert gallery.feature_count == 9


@pytest.mark.parametrize('change', [
    {'model_id': 'another model'}, {'key_id': 'another key'}, {'dimension': 128}])
def test_features_are_refused_when_gallery_has_another_space(
        gallery: Gallery, people: People, change: dict[str, object]) -> None:
    """Model, key and dimension are fixed by the first features; nothing changes on refusal."""
    space = replace(people.space, **change)
    features = Features(space, np.eye(space.dimension, dtype=np.float32)[:1])
    before = gallery.identities()
    for refused in (lambda: gallery.match(features), lambda: gallery.enrol(features, 1, 1),
                    lambda: gallery.observe(1, 1, features),
                    lambda: gallery.similarity(1, features)):
        with pytest.raises(GalleryError, match='do not compare: erase all identities'):
            refused()
    assert gallery.identities() == before


def test_enrol_is_refused_when_there_is_no_feature(gallery: Gallery, people: People) -> None:
    """An identity needs a feature."""
    empty = Features(people.space, np.empty((0, people.space.dimension), np.float32))
    with pytest.raises(GalleryError, match='without a feature'):
        gallery.enrol(empty, 1, 1)
