"""The protection head P: a plain identity feature f = E(x) becomes the one that is published.

Extractor and head together are the protected extractor F(x) = P(E(x)). The embedder E stays as it
is: the store, the code predictor and the refinement of the replacement stand on its features,
which never leave the filter. So protected features cost no second network.
"""
from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.identity.embedder import FEATURE_DIMENSION
from latent_rag_ros.weights.registry import WeightsError
from latent_rag_ros.weights.tensors import load_network, load_tensors

EMBEDDER_KEY = 'initial_sha256'
"""Metadata of a head's file: sha256 of the embedder that it belongs to."""


class ProtectionHead(nn.Module):
    """P(f) = BN(f + W_2 silu(W_1 f)), 0.13 M parameters; it starts as the identity."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(FEATURE_DIMENSION, FEATURE_DIMENSION)
        self.output = nn.Linear(FEATURE_DIMENSION, FEATURE_DIMENSION)
        self.neck = nn.BatchNorm1d(FEATURE_DIMENSION)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def before_neck(self, features: Tensor) -> Tensor:
        """Map plain features (n, 256) to those before the BNNeck, shape (n, 256)."""
        scaled = functional.normalize(features) * FEATURE_DIMENSION ** 0.5
        return scaled + self.output(functional.silu(self.hidden(scaled)))

    def forward(self, features: Tensor) -> Tensor:
        """Map plain features (n, 256) to protected ones, shape (n, 256), not normalised."""
        return self.neck(self.before_neck(features))

    def protect(self, features: Tensor) -> Tensor:
        """Return protected features, shape (n, 256), of plain ones (n, 256); L2 norm 1."""
        return functional.normalize(self(features))


class ProtectedExtractor:
    """F = P(E(x)), with the interface of an embedder.

    Parameters
    ----------
    embedder : nn.Module
        Has `embed`, see `Embedder.embed`.
    head : ProtectionHead
        Trained on it.
    """

    def __init__(self, embedder: nn.Module, head: ProtectionHead) -> None:
        self.embedder, self.head = embedder, head

    def embed(self, crops: Tensor) -> Tensor:
        """Return protected features (n, 256), L2 norm 1, of crops (n, 3, 128, 64) in 0..1."""
        return self.head.protect(self.embedder.embed(crops))


def load_protection_head(path: Path, embedder_sha256: str,
                         device: str | torch.device = 'cpu') -> ProtectionHead:
    """Load a head, frozen and in evaluation mode.

    Parameters
    ----------
    path : Path
        Its safetensors file.
    embedder_sha256 : str
        Of the file of the embedder whose features it will get.
    device : str or torch.device

    Raises
    ------
    WeightsError
        The file holds something else, or a head of another embedder.
    """
    head = load_network(ProtectionHead(), path, str(device))
    wanted = load_tensors(path)[1].get(EMBEDDER_KEY, '')
    if wanted != embedder_sha256:
        raise WeightsError(
            f'{path.name} was trained on the embedder {wanted[:12] or "(unknown)"}, not on '
            f'{embedder_sha256[:12]}; use weights of one release together, or make it again '
            f'with: latent-rag train {path.stem}')
    return head
