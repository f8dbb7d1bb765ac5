"""The backend of a fleet: Milvus stores and searches; Milvus Lite does in one folder for tests.

Milvus marks deleted rows and drops them from its files some time later. Where features have to be
gone at once, in Milvus Lite, an erasure writes the remaining rows into collections of the next
generation and drops those of the last one. In a cluster it asks for a compaction; the files go
when the cluster's garbage collection runs (`dataCoord.gc` in its configuration).
"""
from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.gallery.backend import GalleryStorageError, StoredGallery
from latent_rag_ros.gallery.features import FeatureArray, FeatureSpace
from latent_rag_ros.gallery.identity import Identity

ABOUT = 'about'
TEXT_LENGTH_MAX = 60_000
DEPTH_MAX = 16_384
"""Most neighbours that Milvus returns for one query, and most rows per read."""

ROWS_PER_BATCH = 4096
"""Features that are read and written at once: fewer bytes than one message may have."""

NO_VECTOR = [0.0, 0.0]
"""Milvus wants a vector in every collection; those of texts have this one."""


class MilvusBackend:
    """Features in a Milvus database. One process writes it at a time. See `Backend`.

    Whoever opens it last writes it. Who wrote it before is told so with the next new identity,
    before two processes could give one number to two people.

    Parameters
    ----------
    uri : str
        `http://host:19530` of a cluster, or a path that ends in `.db` for Milvus Lite.
    prefix : str
        Begin of the names of the collections, for several galleries in one database.

    Raises
    ------
    GalleryStorageError
        When pymilvus is not installed or the database does not answer.
    """

    def __init__(self, uri: str, prefix: str = 'latent_rag_gallery') -> None:
        try:
            import pymilvus
        except ModuleNotFoundError as error:
            raise GalleryStorageError(f'gallery.uri is {uri}, and {error.name} is not installed; '
                                      'pip install "latent-rag-ros[milvus]"') from error
        self._milvus, self._uri, self._prefix = pymilvus, uri, prefix
        self._is_flushed, self._is_lite = False, uri.endswith('.db')
        if self._is_lite:
            _drop_index_files(Path(uri))
        with self._speaking():
            self._client = pymilvus.MilvusClient(uri)
            self._make_texts(self._name(ABOUT))
            about = dict(self._texts(self._name(ABOUT)))
            self._about = {'space': None, 'enrolled': 0, 'generation': 0, 'arrived': 0,
                           **json.loads(about.get(0, '{}'))}
            self._about['writer'] = uuid.uuid4().hex
            self._write_about()
            if self._about['space'] is not None:
                self._make_generation()  # is there; what a killed process left is not loaded
            self._drop_other_generations()
        self._identities = self._read_identities()

    def stored(self) -> StoredGallery:
        """Return what the database held when it was opened."""
        space = self._about['space']
        return StoredGallery(FeatureSpace(**space) if space else None, self._about['enrolled'],
                             tuple(self._identities[key] for key in sorted(self._identities)))

    def begin(self, space: FeatureSpace) -> None:
        """Make the collections of the features and the identities."""
        self._about['space'] = asdict(space)
        with self._speaking():
            self._make_generation()
            self._write_about()

    def feature_count(self) -> int:
        """Return the number of features of all identities."""
        return sum(identity.feature_count for identity in self._identities.values())

    @property
    def search_kind(self) -> str:
        """How features are searched: by the index of the collection, which compares with all."""
        return 'exact, by Milvus'

    def search(self, vectors: FeatureArray,
               count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return cosines and identities of the nearest features, both (n, k), best first."""
        with self._speaking():
            rows = self._client.search(
                self._name('features'), data=vectors.tolist(),
                limit=min(count, DEPTH_MAX, self.feature_count()),
                output_fields=['identity_id'], search_params={'metric_type': 'IP'},
                consistency_level='Strong')
        cosines = [[hit['distance'] for hit in row] for row in rows]
        owners = [[hit['entity']['identity_id'] for hit in row] for row in rows]
        return np.array(cosines, np.float32), np.array(owners, np.int64)

    def features_of(self, identity_id: int) -> FeatureArray:
        """Return the features of an identity, shape (n, dimension), oldest first."""
        rows = self._rows_of([identity_id])
        return np.array([row['vector'] for row in rows], np.float32)

    def write(self, identity: Identity, added: FeatureArray | None = None,
              dropped: int = 0) -> None:
        """Write an identity; numbers first, features next, last the identity that counts them.

        So a write that was cut short leaves features that nobody counts, which `stored` drops.
        """
        new = [] if added is None else list(added)
        first = self._about['arrived'] + 1
        self._about.update(arrived=self._about['arrived'] + len(new),
                           enrolled=max(self._about['enrolled'], identity.identity_id))
        with self._speaking():
            if identity.identity_id not in self._identities:
                self._check_sole_writer()
            if new:
                self._write_about()
            rows = self._rows_of([identity.identity_id]) if dropped else []
            oldest = [row['feature_id'] for row in rows[:dropped]]
            if new:
                self._client.insert(self._name('features'), [
                    {'feature_id': first + row, 'identity_id': identity.identity_id,
                     'vector': vector.tolist()} for row, vector in enumerate(new)])
            if oldest:
                self._client.delete(self._name('features'), ids=oldest)
            self._put_texts(self._name('identities'), {identity.identity_id: asdict(identity)})
        self._is_flushed = False
        self._identities[identity.identity_id] = identity

    def remove(self, identity_ids: Collection[int]) -> int:
        """Erase identities; in Milvus Lite from its files too, see above."""
        erased = 0
        for identity_id in identity_ids:
            erased += self._identities.pop(identity_id).feature_count
        with self._speaking():
            if self._is_lite:
                self._rewrite()
            else:
                self._client.delete(self._name('features'),
                                    filter=f'identity_id in {sorted(identity_ids)}')
                self._client.delete(self._name('identities'), ids=sorted(identity_ids))
                for name in ('features', 'identities'):
                    self._client.compact(self._name(name))
        self._is_flushed = False
        self.commit()
        return erased

    def clear(self) -> None:
        """Erase everything but the number of enrolments."""
        self._identities.clear()
        self._about.update(space=None, generation=self._about['generation'] + 1)
        with self._speaking():
            self._write_about()
            self._drop_other_generations()
        self._is_flushed = False
        self.commit()

    def commit(self) -> None:
        """Flush to the files of Milvus Lite; a cluster has acknowledged every change already."""
        if self._is_flushed or not self._is_lite:
            return
        self._is_flushed = True
        with self._speaking():
            for name in self._client.list_collections():
                if name.startswith(f'{self._prefix}_'):
                    self._client.flush(name)

    def save(self) -> str:
        """Commit and return one line that says where the gallery is."""
        self.commit()
        return f'{len(self._identities)} identities are in {self._uri}'

    def close(self) -> None:
        """Commit and disconnect."""
        self.commit()
        self._client.close()
        self._identities.clear()
        if self._is_lite:
            from milvus_lite.server_manager import server_manager_instance
            server_manager_instance.release_server(self._uri)  # another process may have the file

    def _name(self, part: str) -> str:
        generation = '' if part == ABOUT else f'_{self._about["generation"]}'
        return f'{self._prefix}_{part}{generation}'

    def _read_identities(self) -> dict[int, Identity]:
        """Return the stored identities; features that none counts are of an unfinished write."""
        if self._about['space'] is None:
            return {}
        with self._speaking():
            texts = [json.loads(text) for _, text in self._texts(self._name('identities'))]
            identities = {text['identity_id']: Identity(
                **{**text, 'apart_from': tuple(text['apart_from'])}) for text in texts}
            for batch in _batches(identities):
                if surplus := _surplus(self._rows_of(batch), identities):
                    self._client.delete(self._name('features'), ids=surplus)
            if self._client.query(self._name('features'), limit=1, output_fields=['feature_id'],
                                  filter=f'identity_id not in {sorted(identities) or [0]}'):
                self._client.delete(self._name('features'),
                                    filter=f'identity_id not in {sorted(identities) or [0]}')
        return identities

    def _rows_of(self, identity_ids: Collection[int]) -> list[dict[str, Any]]:
        with self._speaking():
            rows = self._client.query(
                self._name('features'), filter=f'identity_id in {sorted(identity_ids)}',
                output_fields=['feature_id', 'identity_id', 'vector'],
                consistency_level='Strong')
        return sorted(rows, key=lambda row: row['feature_id'])

    def _rewrite(self) -> None:
        """Copy what remains into the next generation and drop the last one."""
        batches = _batches(self._identities)
        rows = [self._rows_of(batch) for batch in batches]
        self._about['generation'] += 1
        self._make_generation()
        for batch, own in zip(batches, rows):
            self._client.insert(self._name('features'), own)
            self._put_texts(self._name('identities'), {
                identity_id: asdict(self._identities[identity_id]) for identity_id in batch})
        self._is_flushed = False
        self.commit()
        self._write_about()
        self._is_flushed = False
        self.commit()
        self._drop_other_generations()

    def _drop_other_generations(self) -> None:
        kept = {self._name(part) for part in (ABOUT, 'features', 'identities')}
        for name in self._client.list_collections():
            if name.startswith(f'{self._prefix}_') and name not in kept:
                self._client.drop_collection(name)

    def _make_generation(self) -> None:
        self._make_texts(self._name('identities'))
        types = self._milvus.DataType
        fields = [('feature_id', types.INT64, {'is_primary': True}),
                  ('identity_id', types.INT64, {}),
                  ('vector', types.FLOAT_VECTOR, {'dim': self._about['space']['dimension']})]
        self._make(self._name('features'), fields)

    def _make_texts(self, name: str) -> None:
        types = self._milvus.DataType
        self._make(name, [('number', types.INT64, {'is_primary': True}),
                          ('text', types.VARCHAR, {'max_length': TEXT_LENGTH_MAX}),
                          ('vector', types.FLOAT_VECTOR, {'dim': len(NO_VECTOR)})])

    def _make(self, name: str, fields: list[tuple[str, Any, dict[str, Any]]]) -> None:
        if self._client.has_collection(name):
            self._client.load_collection(name)
            return
        schema = self._milvus.MilvusClient.create_schema(auto_id=False)
        for field, kind, options in fields:
            schema.add_field(field, kind, **options)
        index = self._client.prepare_index_params()
        index.add_index('vector', index_type='FLAT', metric_type='IP')
        self._client.create_collection(name, schema=schema, index_params=index)

    def _texts(self, name: str) -> list[tuple[int, str]]:
        rows = self._client.query(name, filter='number >= 0', output_fields=['number', 'text'],
                                  limit=DEPTH_MAX, consistency_level='Strong')
        return [(row['number'], row['text']) for row in rows]

    def _put_texts(self, name: str, contents: Mapping[int, dict[str, Any]]) -> None:
        self._client.upsert(name, [
            {'number': number, 'text': json.dumps(content), 'vector': NO_VECTOR}
            for number, content in contents.items()])

    def _check_sole_writer(self) -> None:
        [(_, text)] = self._texts(self._name(ABOUT))
        if json.loads(text)['writer'] != self._about['writer']:
            raise GalleryStorageError(
                f'gallery.uri {self._uri} is written by another process since it was opened '
                'there; let one reidentifier serve all robots (input.namespaces), and restart '
                'this one when the other has ended')

    def _write_about(self) -> None:
        self._put_texts(self._name(ABOUT), {0: self._about})

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except (self._milvus.MilvusException, OSError, ValueError) as error:
            raise GalleryStorageError(f'gallery.uri {self._uri}: {error}; check address, path and '
                                      'that one process writes it') from error


def _drop_index_files(database: Path) -> None:
    """Delete the index files of Milvus Lite; it makes them again from the data when it loads.

    It writes them in place, so a killed process leaves half a file, with which nothing loads.
    """
    for path in database.glob('collections/*/partitions/*/indexes/*.idx'):
        path.unlink(missing_ok=True)


def _batches(identities: Mapping[int, Identity]) -> list[list[int]]:
    """Return the numbers of identities in parts of few enough features."""
    batches: list[list[int]] = []
    free = 0
    for identity_id, identity in identities.items():
        if free < identity.feature_count:
            batches.append([])
            free = max(ROWS_PER_BATCH, identity.feature_count)
        batches[-1].append(identity_id)
        free -= identity.feature_count
    return batches


def _surplus(rows: Sequence[Mapping[str, Any]], identities: Mapping[int, Identity]) -> list[int]:
    """Return the features, of rows from the oldest on, that their identities do not count."""
    found: Counter[int] = Counter()
    surplus = []
    for row in rows:
        found[row['identity_id']] += 1
        if found[row['identity_id']] > identities[row['identity_id']].feature_count:
            surplus.append(row['feature_id'])
    return surplus
