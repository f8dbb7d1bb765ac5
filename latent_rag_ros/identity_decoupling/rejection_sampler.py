"""The rejection sampler: a replacement identity far from the original and on the manifold.

Paper, section 3.4: identities are proposed independently from a gallery and rejected while their
cosine with the original is too high or they are not realistic. Ours: proposals follow from a
secret key and the track, so that a person keeps one replacement; tries are bounded, and who gets
none is to be covered by a solid fill; the leak is counted for exactly this sampler (`leak_bits`).
"""
from __future__ import annotations

import hashlib
import hmac

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.identity_decoupling.gallery import IdentityGallery
from latent_rag_ros.identity_decoupling.leak_bits import SamplerLeak, sampler_leak
from latent_rag_ros.identity_decoupling.manifold import Manifold

KEY_BYTES_MIN = 16

COSINE_MAX, TRIES = 0.0, 64
"""Another rendered head in the same scene was below the thresholds of the oracles the more often,
the further its code was; at 0 half of the gallery is left to choose from."""


class RejectionSampler:
    """Draws replacement identities.

    Parameters
    ----------
    gallery : IdentityGallery
        Identities of people who do not exist.
    key : bytes
        Secret of this run, at least 16 bytes. Whoever knows it can tell which identities were
        proposed and rejected; the leak is stated for everybody else.
    cosine_max : float
        A code is far enough when its cosine with the original is below this; within -1..1.
    manifold : Manifold, optional
        Leaves out codes of the gallery that are no realistic identity; None keeps all.
    tries : int
        Most proposals for one person.

    Raises
    ------
    ValueError
        The key is too short, a number is outside its range, or no code is realistic.
    """

    def __init__(self, gallery: IdentityGallery, key: bytes, cosine_max: float = COSINE_MAX,
                 manifold: Manifold | None = None, tries: int = TRIES) -> None:
        if len(key) < KEY_BYTES_MIN:
            raise ValueError(f'key has {len(key)} bytes; give at least {KEY_BYTES_MIN} secret '
                             'ones')
        if not -1 <= cosine_max <= 1:
            raise ValueError(f'cosine_max is {cosine_max}; give a cosine in -1..1')
        if tries < 1:
            raise ValueError(f'tries is {tries}; give at least 1')
        realistic = (np.ones(len(gallery), bool) if manifold is None
                     else manifold.contains(gallery.codes))
        if not realistic.any():
            raise ValueError(f'none of the {len(gallery)} codes is realistic; '
                             'raise the quantile of the manifold')
        self.gallery, self.cosine_max, self.tries = gallery, cosine_max, tries
        self.proposed = np.flatnonzero(realistic)
        self._key = bytes(key)

    def draw(self, original: NDArray[np.float32], track_id: int) -> int | None:
        """Return the row of the gallery that replaces a person, or None for a solid fill.

        Equal arguments give the same row. The proposals follow from key and track alone: a track
        whose feature changes a little keeps its row as long as that is far enough.

        Parameters
        ----------
        original : NDArray
            Shape (d,): identity code of the person, any length. None is drawn for one that is
            zero or not finite.
        track_id : int
            The person's track.
        """
        original = np.asarray(original, np.float64)
        if original.shape != (self.gallery.dimension,):
            raise ValueError(f'original has shape {original.shape}; the gallery holds codes of '
                             f'shape ({self.gallery.dimension},)')
        length = np.linalg.norm(original)
        if not np.isfinite(length) or length == 0:
            return None
        rows = self.proposals(track_id)
        cosines = self.gallery.codes[rows] @ (original / length)
        accepted = np.flatnonzero(cosines < self.cosine_max)
        return int(rows[accepted[0]]) if len(accepted) else None

    def proposals(self, track_id: int) -> NDArray[np.int64]:
        """Return the rows (tries,) proposed for a track, independent of who it shows."""
        message = str(int(track_id)).encode()
        digest = hmac.new(self._key, message, hashlib.sha256).digest()
        random = np.random.default_rng(int.from_bytes(digest, 'big'))
        return self.proposed[random.integers(0, len(self.proposed), self.tries)]

    def leak(self, originals: NDArray[np.float32] | None = None) -> SamplerLeak:
        """Return what one draw gives away of the original; see `leak_bits`.

        `originals` (m, d) stand for the people in view; None takes the gallery's own codes.
        Every further draw for the same person, on a new track or under a new key, gives away as
        much again.
        """
        codes = self.gallery.codes if originals is None else IdentityGallery(originals).codes
        return sampler_leak(codes, self.gallery.codes[self.proposed], self.cosine_max, self.tries)
