"""The generator on the CPU of a robot: forward through the engine, with gradients as before."""
from __future__ import annotations

import torch
from torch import Tensor

from latent_rag_ros.engine.torch_forward import TorchForward
from latent_rag_ros.latent_rag.generator import CODE_DIMENSION, LAYERS, Generator


class FastGenerator:
    """A generator whose forward runs in ONNX Runtime; see `engine`.

    Parameters
    ----------
    network : Generator
        On the CPU, in evaluation mode. It keeps drawing where gradients are asked for.
    """

    def __init__(self, network: Generator) -> None:
        self.network = network
        self._forward = TorchForward(network, (LAYERS, CODE_DIMENSION))

    def __call__(self, codes: Tensor) -> Tensor:
        """Return images (n, 3, 128, 64), RGB in 0..1, of codes (n, 10, 64); see `Generator`.

        Gradients flow through where `codes` asks for them.
        """
        if not len(codes) or (torch.is_grad_enabled() and codes.requires_grad):
            return self.network(codes)
        return self._forward(codes)
