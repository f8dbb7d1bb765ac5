"""The gallery in a folder: reload, erasure proven in the bytes, retention, merging, the trail."""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.gallery.audit import AuditLog, first_broken_line
from latent_rag_ros.gallery.backend import GalleryStorageError
from latent_rag_ros.gallery.faiss_backend import FaissBackend
from latent_rag_ros.gallery.features import FeatureArray, GalleryError
from latent_rag_ros.gallery.folder import GalleryFolder
from latent_rag_ros.gallery.gallery import SECOND_NS, Gallery
from latent_rag_ros.gallery.milvus_backend import MilvusBackend
from latent_rag_ros.gallery.sqlite_store import SqliteStore

from .conftest import People, PeopleOf

ON_BOTH = pytest.mark.parametrize('deployment', ['faiss', 'milvus'], indirect=True)


class Clock:
    """A clock that a test sets."""

    now_ns = 1_000 * SECOND_NS

    def __call__(self) -> int:
        """Return the time."""
        return self.now_ns


class Deployment:
    """A folder whose gallery can be closed and opened again, on either backend."""

    def __init__(self, path: Path, kind: str) -> None:
        """Open an empty gallery in the folder."""
        self.path, self.kind, self.clock = path, kind, Clock()
        self.open()

    def open(self) -> Gallery:
        """Open the gallery."""
        if self.kind == 'milvus':
            self.path.mkdir(exist_ok=True)
            backend = MilvusBackend(str(self.path / 'gallery.db'))
            self.gallery = Gallery(3, 6, backend, AuditLog(self.path / 'audit.jsonl'), self.clock)
        else:
            folder = GalleryFolder(self.path)
            self.gallery = Gallery(3, 6, FaissBackend(folder), folder.audit, self.clock)
        return self.gallery

    def reopen(self) -> Gallery:
        """Close the gallery and open it again."""
        self.gallery.close()
        return self.open()

    def holds(self, vector: FeatureArray) -> list[str]:
        """Return the files whose bytes contain a feature, or a half of it."""
        parts = vector.tobytes(), vector[:32].tobytes(), vector[-32:].tobytes()
        return [path.name for path in self.path.rglob('*') if path.is_file()
                and any(part in path.read_bytes() for part in parts)]

    def events(self) -> list[dict]:
        """Return the audit log."""
        return [json.loads(line) for line in (self.path / 'audit.jsonl').read_text().splitlines()]


@pytest.fixture
def people(people_of: PeopleOf) -> People:
    """Return 8 simulated persons."""
    return people_of(8)


@pytest.fixture
def deployment(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployment]:
    """Return a folder with an open, empty gallery; on FAISS unless a test asks for both."""
    kind = getattr(request, 'param', 'faiss')
    if kind == 'milvus':
        for module in ('pymilvus', 'milvus_lite'):
            pytest.importorskip(module, reason='the extra milvus is not installed')
    deployment = Deployment(tmp_path / 'gallery', kind)
    yield deployment
    deployment.gallery.close()


@ON_BOTH
def test_gallery_is_the_same_when_opened_again(deployment: Deployment, people: People) -> None:
    """Identities, features, times and numbers survive; the next identity gets a new number."""
    gallery = deployment.gallery
    for person in range(4):
        gallery.enrol(people.seen(person, person), person, 10 + person, 'front')
    gallery.observe(2, 77, people.seen(1, 1), 'rear')
    gallery.observe(3, 99)
    gallery.erase(4)
    before, queries = gallery.identities(), people.seen(0, 1, 2, 3)
    candidates = gallery.match(queries, 3)
    kept = gallery.features_of(2)
    gallery = deployment.reopen()
    assert gallery.identities() == before and gallery.space == people.space
    assert gallery.match(queries, 3) == candidates
    np.testing.assert_array_equal(gallery.features_of(2), kept)
    assert gallery.enrol(people.seen(5), 0, 0) == 5


def test_uncommitted_frame_is_absent_when_the_process_died(deployment: Deployment, people: People,
                                                           ) -> None:
    """Another connection sees what was committed and nothing of what was not."""
    deployment.gallery.enrol(people.seen(0), 0, 0)
    deployment.gallery.commit()
    deployment.gallery.enrol(people.seen(1), 0, 0)
    beside = SqliteStore(deployment.path / 'gallery.sqlite', read_only=True)
    assert [identity.identity_id for identity in beside.stored().identities] == [1]
    beside.close()


@ON_BOTH
@pytest.mark.parametrize('how', ['erase', 'erase_all', 'retention', 'evict', 'merge'])
def test_bytes_are_gone_when_an_identity_is_erased(deployment: Deployment, people: People,
                                                   how: str) -> None:
    """No file of the folder contains an erased feature, at once and after a reload."""
    gallery, views = deployment.gallery, people.seen(0, 0, 1, 1)
    gallery.enrol(type(views)(views.space, views.vectors[:2]), 0, 0)
    deployment.clock.now_ns += 100 * SECOND_NS
    for person in (1, 2, 3, 4, 5):
        gallery.enrol(people.seen(person, person, person), 1, 1)
    gallery.commit()
    assert all(deployment.holds(vector) for vector in views.vectors[:2])
    if how == 'erase':
        assert gallery.erase(1) == 2
    elif how == 'erase_all':
        assert gallery.erase_all() == 6
    elif how == 'retention':
        assert gallery.erase_unseen(50) == [1]
    elif how == 'evict':
        gallery.enrol(people.seen(6), 2, 2)
    else:
        gallery.merge(2, 1)
        gallery.observe(2, 5, people.seen(1, 1, 1))
        gallery.erase(2)
    for moment in ('at once', 'after a reload'):
        assert not [deployment.holds(vector) for vector in views.vectors[:2]
                    if deployment.holds(vector)], moment
        assert 1 not in gallery
        candidates = gallery.match(people.seen(0), 6)[0]
        assert all(c.identity_id != 1 and c.similarity < 0.6 for c in candidates)
        if moment == 'at once':
            gallery = deployment.reopen()


@ON_BOTH
def test_retention_counts_from_the_last_observation(deployment: Deployment,
                                                    people: People) -> None:
    """Who was seen again in time stays; camera stamps, right or wrong, do not matter."""
    gallery = deployment.gallery
    gallery.enrol(people.seen(0), 0, 0)
    gallery.enrol(people.seen(1), 10 ** 18, 10 ** 18)
    deployment.clock.now_ns += 40 * SECOND_NS
    gallery.observe(1, 1)
    deployment.clock.now_ns += 40 * SECOND_NS
    assert gallery.erase_unseen(60) == [2]
    assert gallery.erase_unseen(60) == []
    gallery = deployment.reopen()
    assert [identity.identity_id for identity in gallery.identities()] == [1]
    assert gallery.erase_unseen(60) == []


@ON_BOTH
def test_merged_identity_has_all_when_two_were_one(deployment: Deployment,
                                                   people: People) -> None:
    """Times widen, features are united, the newer camera counts; the merged number is gone."""
    gallery = deployment.gallery
    gallery.enrol(people.seen(0), 5, 10, 'front')
    gallery.enrol(people.seen(0), 20, 30, 'rear')
    gallery.merge(1, 2)
    [identity] = deployment.reopen().identities()
    assert (identity.identity_id, identity.feature_count, identity.first_seen_ns,
            identity.last_seen_ns, identity.camera) == (1, 2, 5, 30, 'rear')


@ON_BOTH
def test_merge_is_refused_when_two_were_seen_apart(deployment: Deployment,
                                                   people: People) -> None:
    """Two people of one frame stay two, after a reload too."""
    deployment.gallery.enrol(people.seen(0), 0, 0)
    deployment.gallery.enrol(people.seen(0), 0, 0)
    deployment.gallery.keep_apart(1, 2)
    gallery = deployment.reopen()
    for pair in ((1, 2), (2, 1), (1, 1)):
        with pytest.raises(GalleryError, match='cannot be merged'):
            gallery.merge(*pair)
    assert len(gallery) == 2


@ON_BOTH
def test_trail_names_every_event_without_features(deployment: Deployment,
                                                  people: People) -> None:
    """Enrolment, export, merging and erasure are in the log; a changed line shows."""
    gallery = deployment.gallery
    views = people.seen(0, 0)
    gallery.enrol(views, 0, 0)
    gallery.enrol(people.seen(1), 0, 0)
    identity, features = gallery.export(1)
    np.testing.assert_array_equal(features, views.vectors)
    assert identity.feature_count == 2
    gallery.merge(1, 2)
    gallery.erase(1)
    deployment.reopen().erase_all()
    assert [event['event'] for event in deployment.events()] == [
        'enrolled', 'enrolled', 'exported', 'merged', 'erased', 'erased_all']
    path = deployment.path / 'audit.jsonl'
    assert first_broken_line(path) == 0
    assert len(path.read_bytes()) < 2000, 'a feature would be longer'
    path.write_text(path.read_text().replace('"exported"', '"enrolled"'))
    assert first_broken_line(path) == 4


def test_damaged_file_is_set_aside_and_deleted_with_the_next_erasure(
        deployment: Deployment, people: People) -> None:
    """The node goes on with an empty gallery; nobody's features stay in the damaged file."""
    views = people.seen(0)
    deployment.gallery.enrol(views, 0, 0)
    deployment.gallery.close()
    path = deployment.path / 'gallery.sqlite'
    content = bytearray(path.read_bytes())
    content[content.index(views.vectors[0].tobytes()) + 500] ^= 1
    path.write_bytes(content)
    gallery = deployment.open()
    assert len(gallery) == 0 and deployment.events()[-1]['event'] == 'quarantined'
    assert deployment.holds(views.vectors[0]) == ['gallery.sqlite']
    assert len(list((deployment.path / 'quarantine').rglob('gallery.sqlite'))) == 1
    gallery.erase(gallery.enrol(people.seen(1), 0, 0))
    assert not deployment.holds(views.vectors[0])


def test_folder_is_refused_when_another_process_has_it(deployment: Deployment) -> None:
    """Two writers of one folder would not see each other's identities."""
    with pytest.raises(GalleryStorageError, match='in use by another process'):
        GalleryFolder(deployment.path)


def test_save_says_where_it_is_and_refuses_without_a_folder(deployment: Deployment,
                                                            people: People) -> None:
    """~/save of a gallery in memory is no silent success."""
    deployment.gallery.enrol(people.seen(0), 0, 0)
    assert 'gallery.sqlite' in deployment.gallery.save()
    with pytest.raises(GalleryStorageError, match='set gallery.directory'):
        Gallery(3, 6).save()


@pytest.mark.parametrize('deployment', ['milvus'], indirect=True)
def test_earlier_writer_is_stopped_when_another_opens_the_database(deployment: Deployment,
                                                                   people: People) -> None:
    """Two writers never give one number to two people; what both know is not damaged."""
    first = deployment.gallery
    first.enrol(people.seen(0), 1, 1)
    second = Gallery(3, 6, MilvusBackend(str(deployment.path / 'gallery.db')))
    assert second.enrol(people.seen(1), 2, 2) == 2
    with pytest.raises(GalleryStorageError, match='written by another process'):
        first.enrol(people.seen(2), 3, 3)
    assert [identity.identity_id for identity in first.identities()] == [1]
    assert second.enrol(people.seen(3), 4, 4) == 3
    assert [c.identity_id for c in second.match(people.seen(0), 1)[0]] == [1]
