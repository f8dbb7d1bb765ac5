"""Runs a PyTorch module forward in ONNX Runtime: translated in memory, nothing is written.

One row at a time: for networks as small as these that is as fast as a batch, and what comes out
for a person cannot depend on who else is in the picture.
"""
from __future__ import annotations

import io
import threading
import warnings

import numpy as np
import torch
from torch import Tensor, nn

from latent_rag_ros.engine.runner import OnnxRuntimeRunner

OPSET = 17
_TRANSLATING = threading.Lock()
"""PyTorch's translation to ONNX keeps its state in globals."""


def to_onnx(module: nn.Module, example: Tensor) -> bytes:
    """Return a module in evaluation mode, one tensor in and one out, as an ONNX file's content."""
    content = io.BytesIO()
    with _TRANSLATING, warnings.catch_warnings(), torch.no_grad():
        # the newer way of PyTorch needs one more library and takes ten times as long
        warnings.simplefilter('ignore')
        torch.onnx.export(module.eval(), (example,), content, dynamo=False, opset_version=OPSET,
                          input_names=['input'], output_names=['output'])
    return content.getvalue()


class TorchForward:
    """A module, translated. Not thread-safe.

    Parameters
    ----------
    module : nn.Module
        On the CPU, in evaluation mode; one tensor in and one out.
    row_shape : tuple of int
        Shape of one row of its input.
    """

    def __init__(self, module: nn.Module, row_shape: tuple[int, ...]) -> None:
        self._runner = OnnxRuntimeRunner(to_onnx(module, torch.zeros(1, *row_shape)))

    def __call__(self, rows: Tensor) -> Tensor:
        """Return the output for every row, without gradients: (n, ...) to (n, ...), float32.

        Raises `RunnerError` when the network fails.
        """
        blobs = np.ascontiguousarray(rows.detach().numpy(), np.float32)
        found = [self._runner.run(blobs[row:row + 1], ['output'])[0]
                 for row in range(len(blobs))]
        return torch.from_numpy(np.concatenate(found))
