"""Protects the held-out crops through the classes that the filter itself runs."""
from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.evaluation.embedding import to_crops, to_images
from latent_rag_ros.identity.embedder import Embedder
from latent_rag_ros.latent_rag.encoder import Encoder
from latent_rag_ros.latent_rag.replacer import LatentRagReplacer

BATCH = 8


@dataclass(frozen=True)
class ProtectedCrops:
    """What the replacer made of a set of crops.

    Parameters
    ----------
    images : NDArray
        Shape (n, 128, 64, 3), uint8, RGB.
    iterations, looks : NDArray
        Gradient steps and predictions every person took, shape (n,), int.
    seconds : float
        Time the replacer took for all of them, embedding included.
    """

    images: NDArray[np.uint8]
    iterations: NDArray[np.int64]
    looks: NDArray[np.int64]
    seconds: float


def protect(images: NDArray[np.uint8], replacer: LatentRagReplacer, embedder: Embedder,
            device: str = 'cpu', advance: Callable[[int], object] = lambda _: None
            ) -> ProtectedCrops:
    """Replace the person in every crop, each without any earlier frame of the same track.

    Parameters
    ----------
    images : NDArray
        Raw crops, shape (n, 128, 64, 3), uint8, RGB.
    replacer, embedder : LatentRagReplacer, Embedder
        Loaded with the same weights.
    device : str
        Device of both, such as `cpu` or `cuda:0`.
    advance : callable
        Told the number of crops that are done after every batch, for a progress bar.
    """
    parts = []
    started_s = time.monotonic()
    for start in range(0, len(images), BATCH):
        crops = to_crops(images[start:start + BATCH], device)
        with torch.no_grad():
            features = embedder.embed(crops)
        parts.append(replacer.replace(crops, features))
        advance(len(crops))
    seconds = time.monotonic() - started_s
    iterations, looks = (torch.cat([getattr(part, name) for part in parts]).cpu().numpy()
                         for name in ('iterations', 'looks'))
    return ProtectedCrops(to_images(torch.cat([part.images for part in parts])), iterations,
                          looks, seconds)


def nearest_identities(features: NDArray[np.float32],
                       replacer: LatentRagReplacer) -> NDArray[np.uint8]:
    """Return the most similar person of the store for every feature: a swap, nothing fused.

    Parameters
    ----------
    features : NDArray
        Features of the raw crops, shape (n, 256), float32, rows of unit length.
    replacer : LatentRagReplacer
        Store and generator.

    Returns
    -------
    NDArray
        The nearest row's own code, synthesised, shape (n, 128, 64, 3), uint8, RGB.
    """
    rows = replacer.store.search(torch.from_numpy(features), 1)[:, 0]
    codes = replacer.store.codes[torch.from_numpy(rows)]
    images = [replacer.synthesise(part.to(replacer.device)) for part in codes.split(BATCH)]
    return to_images(torch.cat(images))


@torch.no_grad()
def own_codes(images: NDArray[np.uint8], encoder: Encoder,
              replacer: LatentRagReplacer) -> NDArray[np.uint8]:
    """Return G(E_w(x)) for every crop x: how well the generator can draw these people at all.

    That is no protection, only the upper end of what retrieval and refinement could reach.

    Parameters
    ----------
    images : NDArray
        Raw crops, shape (n, 128, 64, 3), uint8, RGB; the result has the same shape.
    encoder, replacer : Encoder, LatentRagReplacer
        Weights that belong together.
    """
    parts = [replacer.synthesise(encoder(to_crops(images[start:start + BATCH], replacer.device)))
             for start in range(0, len(images), BATCH)]
    return to_images(torch.cat(parts))
