"""Batches of faces in which every picture meets its person again, and its scene once more."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.training.faces import Faces


@dataclass(frozen=True)
class FaceBatch:
    """One batch of n pictures.

    Parameters
    ----------
    rows : NDArray
        Shape (n,), int64: which faces.
    mirrored : NDArray
        Shape (n,), bool; equal for pictures of one scene.
    same_person, same_scene : NDArray
        Shape (n,), int64, places in the batch: another picture of the same person, and the same
        scene with another head. The picture itself where the batch has no other.
    """

    rows: NDArray[np.int64]
    mirrored: NDArray[np.bool_]
    same_person: NDArray[np.int64]
    same_scene: NDArray[np.int64]


class FaceBatches:
    """Draws batches of a few scenes of a few groups of heads that share them.

    Parameters
    ----------
    faces : Faces
    people, pictures : int
        Most people of a batch, and pictures of each.
    """

    def __init__(self, faces: Faces, people: int, pictures: int) -> None:
        self._people, self._pictures = people, pictures
        groups: dict[bytes, list[NDArray[np.int64]]] = {}
        for person in range(faces.people):
            rows = np.flatnonzero(faces.identities == person)
            rows = rows[np.argsort(faces.scenes[rows])]
            groups.setdefault(faces.scenes[rows].tobytes(), []).append(rows)
        self._groups = [np.stack(group) for group in groups.values()]

    def drawn(self, random: np.random.Generator) -> FaceBatch:
        """Return a batch."""
        parts: list[tuple[NDArray, ...]] = []
        count, people = 0, self._people
        for number in random.permutation(len(self._groups)):
            rows, mirrored = self._block(self._groups[number], people, random)
            places = count + np.arange(rows.size).reshape(rows.shape)
            parts.append((rows, mirrored, np.roll(places, 1, 1), np.roll(places, 1, 0)))
            count, people = count + rows.size, people - len(rows)
            if not people:
                break
        return FaceBatch(*(np.concatenate([part.ravel() for part in kind])
                           for kind in zip(*parts)))

    def _block(self, group: NDArray[np.int64], people: int, random: np.random.Generator,
               ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return rows (heads, pictures) of a group (heads, scenes) and which are mirrored."""
        heads = random.permutation(len(group))[:people]
        scenes = random.choice(group.shape[1], self._pictures,
                               replace=group.shape[1] < self._pictures)
        rows = group[heads][:, scenes]
        return rows, np.broadcast_to(random.random(self._pictures) < 0.5, rows.shape)
