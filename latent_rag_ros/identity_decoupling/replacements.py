"""Who replaces whom: one replacement per track, for as long as it is far from the person."""
from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.identity_decoupling.rejection_sampler import RejectionSampler

KEPT_ABOVE = 0.3
"""How much nearer than a fresh one a kept replacement may be. Codes of one person differ by as
much from picture to picture; a face that changed for that would flicker and give away a draw each
time. The oracles judge every picture anyway."""


class Replacements:
    """Keeps the replacement identity of every track. Not thread-safe.

    Parameters
    ----------
    sampler : RejectionSampler
        Draws identities.
    """

    def __init__(self, sampler: RejectionSampler) -> None:
        self._sampler = sampler
        self._rows: dict[int, int] = {}
        self.redraws = 0
        """Replacements that had to be changed; each gives away as much as a first one."""

    def replacement(self, original: NDArray[np.float32], track_id: int) -> int | None:
        """Return the row of the gallery that replaces a person, or None for a solid fill.

        A track keeps its row until that is nearer to `original` (d,) than the sampler's limit by
        `KEPT_ABOVE`; then the sampler draws the first proposal of the track that is far from
        what is seen now.
        """
        row = self._rows.get(track_id)
        if row is not None and self._far(original, row):
            return row
        drawn = self._sampler.draw(original, track_id)
        if row is not None:
            self.redraws += 1
        if drawn is None:
            self._rows.pop(track_id, None)
        else:
            self._rows[track_id] = drawn
        return drawn

    def keep_only(self, track_ids: Collection[int]) -> None:
        """Forget every track that is not among `track_ids`."""
        self._rows = {track: row for track, row in self._rows.items() if track in track_ids}

    def _far(self, original: NDArray[np.float32], row: int) -> bool:
        """Return whether a row is far enough to be kept; not a number is not."""
        original = np.asarray(original, np.float64)
        with np.errstate(invalid='ignore', divide='ignore'):
            cosine = self._sampler.gallery.codes[row] @ (original / np.linalg.norm(original))
        return bool(cosine < self._sampler.cosine_max + KEPT_ABOVE)
