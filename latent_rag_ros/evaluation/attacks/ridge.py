"""The linear attacker: ridge regression from the protected picture to a coarse original.

Where pairs are few, a closed-form regression on what little a picture says in blocks of 8 x 8
pixels, and on its identity feature, guesses the colours of the original better than a network
that learns the pairs by heart. Training takes a second, so the budget plays no role.
"""
from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.attacks.interface import AttackPairs, Budget, Images
from latent_rag_ros.evaluation.embedding import EmbeddingNetwork, embed_images
from latent_rag_ros.evaluation.metrics import psnr_db

BLOCK_PX = 8
RIDGES = tuple(10.0 ** power for power in np.arange(-4, 3.1, 0.5))
"""Weights of the penalty that are tried, relative to the mean variance of the evidence."""


class RidgeRecoverer:
    """Guesses mean original + linear function of blocks and identity feature.

    Parameters
    ----------
    embedder : EmbeddingNetwork
        What the identity feature is read with.
    device : str
        `cpu` or `cuda:N` of the embedder.
    """

    name = 'ridge'

    def __init__(self, embedder: EmbeddingNetwork, device: str = 'cpu') -> None:
        self._embedder, self._device = embedder, device
        self._weights: NDArray[np.float64] | None = None

    def fit(self, pairs: AttackPairs, validation: AttackPairs, budget: Budget,
            directory: Path) -> None:
        """Solve for every ridge; `validation` chooses one, or the mean image."""
        self._mean_original = pairs.originals.mean(0, dtype=np.float64)
        self._centre = 0.0
        evidence = self._evidence(pairs.protected)
        self._centre = evidence.mean(0)
        evidence -= self._centre
        wanted = _blocks(pairs.originals - self._mean_original)
        values, vectors = np.linalg.eigh(evidence @ evidence.T)
        projected = vectors.T @ wanted
        unit = values.clip(0).mean()
        seen = self._evidence(validation.protected)
        best = float(psnr_db(self._pictures(np.zeros((len(seen), wanted.shape[1]))),
                             validation.originals).mean())
        self._weights = np.zeros((evidence.shape[1], wanted.shape[1]))
        for ridge in RIDGES:
            dual = vectors @ (projected / (values.clip(0) + ridge * unit)[:, None])
            weights = evidence.T @ dual
            score = float(psnr_db(self._pictures(seen @ weights), validation.originals).mean())
            if score > best:
                best, self._weights = score, weights

    def recover(self, protected: Images) -> Images:
        """Return a guess of every original; raises `RuntimeError` before `fit`."""
        if self._weights is None:
            raise RuntimeError('ridge has not been trained; call fit first')
        return self._pictures(self._evidence(protected) @ self._weights)

    def _evidence(self, protected: Images) -> NDArray[np.float64]:
        """Return blocks and features (n, 384 + d), centred, both of about equal weight."""
        blocks = _blocks(protected / 127.5 - 1)
        features = embed_images(self._embedder, protected, self._device)
        features = features * np.sqrt(blocks.shape[1] / 4)
        return np.concatenate([blocks, features], axis=1) - self._centre

    def _pictures(self, blocks: NDArray[np.float64]) -> Images:
        """Return pictures (n, 128, 64, 3): the mean original plus enlarged blocks (n, 384)."""
        height, width = self._mean_original.shape[:2]
        small = blocks.reshape(len(blocks), height // BLOCK_PX, width // BLOCK_PX, 3)
        large = np.stack([cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR)
                          for one in small])
        return np.clip(np.round(self._mean_original + large), 0, 255).astype(np.uint8)


def _blocks(pictures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of every block of pictures (n, h, w, 3), shape (n, h w 3 / 64)."""
    count, height, width, channels = pictures.shape
    blocks = pictures.reshape(count, height // BLOCK_PX, BLOCK_PX, width // BLOCK_PX, BLOCK_PX,
                              channels)
    return blocks.mean(axis=(2, 4)).reshape(count, -1)
