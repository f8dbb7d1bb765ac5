"""What a trained re-ID network has to beat: colour histograms and its own random weights."""
from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.identity.embedder import Embedder

STRIPES = 6
BINS = (8, 4, 4)
"""Bins of hue, saturation and value."""


def hsv_histograms(images: NDArray[np.uint8],
                   masks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the HSV histograms of six horizontal stripes of the person, as unit rows.

    The square roots of the shares are kept, so that the cosine is the Bhattacharyya coefficient
    averaged over the stripes that show the person.

    Parameters
    ----------
    images : NDArray
        Shape (n, height, width, 3), uint8, RGB.
    masks : NDArray
        Shape (n, height, width), 0..1; pixels from 0.5 on count. Ones take the whole crop.

    Returns
    -------
    NDArray
        Shape (n, 768), float32.
    """
    rows = np.stack([_histogram(image, mask) for image, mask in zip(images, masks)])
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.maximum(length, 1e-12)).astype(np.float32)


def _histogram(image: NDArray[np.uint8], mask: NDArray[np.float32]) -> NDArray[np.float32]:
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    inside = (mask >= 0.5).astype(np.uint8)
    parts = []
    for stripe, kept in zip(np.array_split(hsv, STRIPES), np.array_split(inside, STRIPES)):
        counts = cv2.calcHist([stripe], [0, 1, 2], kept, BINS, [0, 180, 0, 256, 0, 256]).ravel()
        parts.append(np.sqrt(counts / max(counts.sum(), 1)))
    return np.concatenate(parts)


def random_embedder(seed: int = 0) -> Embedder:
    """Return the embedder with the random weights of `seed`: what its architecture alone does."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Embedder().eval().requires_grad_(False)
