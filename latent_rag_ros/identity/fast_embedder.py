"""The embedder on the CPU of a robot: forward in half the time, with gradients as before."""
from __future__ import annotations

import torch
from torch import Tensor, nn

from latent_rag_ros.engine.torch_forward import TorchForward
from latent_rag_ros.identity.embedder import (
    CROP_HEIGHT_PX, CROP_WIDTH_PX, FEATURE_DIMENSION, Embedder)


class EmbedModule(nn.Module):
    """`Embedder.embed` as the forward of a module."""

    def __init__(self, network: Embedder) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: Tensor) -> Tensor:
        """Return identity features, see `Embedder.embed`."""
        return self.network.embed(crops)


class FastEmbedder:
    """An embedder whose forward runs in ONNX Runtime; see `engine`.

    Parameters
    ----------
    network : Embedder
        On the CPU, in evaluation mode. It keeps computing where gradients are asked for.
    """

    def __init__(self, network: Embedder) -> None:
        self.network = network
        self._forward = TorchForward(EmbedModule(network), (3, CROP_HEIGHT_PX, CROP_WIDTH_PX))

    def embed(self, crops: Tensor) -> Tensor:
        """Return identity features, shape (n, 256), L2 norm 1; see `Embedder.embed`.

        Gradients flow through where `crops`, (n, 3, 128, 64), asks for them.
        """
        if not len(crops):
            return torch.zeros(0, FEATURE_DIMENSION)
        if torch.is_grad_enabled() and crops.requires_grad:
            return self.network.embed(crops)
        return self._forward(crops)
