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

BOTTLENECK = 96
"""Numbers that a protected feature depends on."""

READ, GROUPS = 2, 12
"""Numbers that say how a person looks, and groups of looks: dark, light, half and half."""


def scaled(features: Tensor) -> Tensor:
    """Return features (n, d) at length sqrt(d): of about unit variance."""
    return functional.normalize(features) * features.shape[1] ** 0.5


class ProtectionHead(nn.Module):
    """P(f) = sum_g p_g(f) (T_g W f + t_g): `BOTTLENECK` numbers, followed by zeros.

    0.14 M parameters. W leaves out what follows the picture linearly. What remains is spread
    differently for dark and for light clothes; T_g and t_g make it the same in all groups of looks
    g, so that it does not say which group it came from. p_g is how much a feature belongs to each.
    """

    def __init__(self) -> None:
        super().__init__()
        self.direct = nn.Linear(FEATURE_DIMENSION, BOTTLENECK, bias=False)
        self.turns = nn.Parameter(torch.eye(BOTTLENECK).repeat(GROUPS, 1, 1))
        self.shifts = nn.Parameter(torch.zeros(GROUPS, BOTTLENECK))
        self.reader = nn.Linear(FEATURE_DIMENSION, READ).requires_grad_(False)
        self.register_buffer('centres', torch.randn(GROUPS, READ))
        self.register_buffer('width', torch.ones(1))

    def shares(self, features: Tensor) -> Tensor:
        """Return p_g, shape (n, `GROUPS`), of plain features (n, 256) as `scaled` gives them."""
        distances = torch.cdist(self.reader(features), self.centres)
        return torch.softmax(-0.5 * (distances / self.width).square(), 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map plain features (n, 256) to the bottleneck, (n, `BOTTLENECK`), not normalised."""
        features = scaled(features)
        moved = torch.einsum('nb,gbc->ngc', self.direct(features), self.turns) + self.shifts
        return (self.shares(features)[:, :, None] * moved).sum(1)

    def protect(self, features: Tensor) -> Tensor:
        """Return protected features, shape (n, 256), of plain ones (n, 256); L2 norm 1."""
        missing = FEATURE_DIMENSION - BOTTLENECK
        return functional.pad(functional.normalize(self(features)), (0, missing))


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
