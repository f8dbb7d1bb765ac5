"""Which pictures of other heads show the same scene: what only the identity may change."""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.training.faces import Faces


class Counterparts:
    """Finds, for a picture, one of another head with equal pose, expression, light and camera.

    Attributes that are read off the counterpart cannot hold who is in the picture. So a network
    that draws the picture from them has to take everything about the person from the identity.

    Parameters
    ----------
    faces : Faces
        A picture that is alone in its scene is its own counterpart.
    """

    def __init__(self, faces: Faces) -> None:
        order = np.argsort(faces.scenes, kind='stable')
        counts = np.bincount(faces.scenes)
        first = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self._order, self._count, self._first = order, counts[faces.scenes], first[faces.scenes]
        self._place = np.empty(len(order), np.int64)
        self._place[order] = np.arange(len(order))

    def drawn(self, rows: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
        """Return a row (n,) of another head in the scene of each of `rows` (n,)."""
        count, first = self._count[rows], self._first[rows]
        step = 1 + (random.random(len(rows)) * (count - 1)).astype(np.int64)
        return self._order[first + (self._place[rows] - first + step) % count]
