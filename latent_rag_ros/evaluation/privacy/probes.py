"""Everything that may recognise a person in a picture: re-ID networks and plain features."""
from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.baselines import hsv_histograms
from latent_rag_ros.evaluation.embedding import EmbeddingNetwork, embed_images
from latent_rag_ros.evaluation.figures import AUTHORISED
from latent_rag_ros.evaluation.imagenet_features import (
    installed_weights, load_imagenet_features)
from latent_rag_ros.evaluation.unseen import load_unseen_embedder
from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.weights.registry import weights_file

UNSEEN, IMAGENET, HSV = 'unseen', 'imagenet', 'hsv'
NETWORKS = (AUTHORISED, UNSEEN)
"""Trained for re-identification; the others are probes that nobody trained for it."""


class Probe(Protocol):
    """Turns pictures into features whose cosine tells people apart."""

    def features(self, images: NDArray[np.uint8],
                 masks: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return rows of unit length (n, d) of pictures (n, 128, 64, 3) with silhouettes."""


class NetworkProbe:
    """A network that looks at the whole picture."""

    def __init__(self, network: EmbeddingNetwork, device: str) -> None:
        self._network, self._device = network, device

    def features(self, images: NDArray[np.uint8],
                 masks: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return the network's features; the masks are not looked at."""
        return embed_images(self._network, images, self._device)


class HistogramProbe:
    """HSV histograms of six stripes of the person."""

    def features(self, images: NDArray[np.uint8],
                 masks: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return the histograms inside the masks, of the whole picture where one is empty."""
        empty = ~masks.any(axis=(1, 2), keepdims=True)
        return hsv_histograms(images, (masks | empty).astype(np.float32))


def load_probes(weights: Path | None = None, device: str = 'cpu') -> dict[str, Probe]:
    """Return every probe by name.

    `unseen` is left out where the weights have no such network, `imagenet` where its package is
    not installed. Raises `WeightsError` when weights are damaged.
    """
    embedder = load_embedder(weights_file('embedder.safetensors', weights), device)
    probes: dict[str, Probe] = {AUTHORISED: NetworkProbe(embedder, device)}
    unseen = load_unseen_embedder(weights, device)
    if unseen is not None:
        probes[UNSEEN] = NetworkProbe(unseen, device)
    imagenet = installed_weights()
    if imagenet is not None:
        probes[IMAGENET] = NetworkProbe(load_imagenet_features(imagenet).to(device), device)
    return probes | {HSV: HistogramProbe()}
