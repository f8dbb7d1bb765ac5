"""Runs a PyTorch module forward in ONNX Runtime: translated in memory, nothing is written.

One row at a time, so that what comes out for a person cannot depend on who else is in the picture.
Rows are computed side by side, a thread for each: their operators are so small that threads that
share them mostly wait for each other. Only a row that is left over takes all threads.
"""
from __future__ import annotations

import io
import threading
import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latent_rag_ros.engine.parallel import in_parallel
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
    """A module, translated.

    Parameters
    ----------
    module : nn.Module
        On the CPU, in evaluation mode; one tensor in and one out.
    row_shape : tuple of int
        Shape of one row of its input.
    """

    def __init__(self, module: nn.Module, row_shape: tuple[int, ...]) -> None:
        content = to_onnx(module, torch.zeros(1, *row_shape))
        self._on_all_threads = OnnxRuntimeRunner(content)
        self._on_one_thread = OnnxRuntimeRunner(content, threads=1)

    def __call__(self, rows: Tensor) -> Tensor:
        """Return the output for every row, without gradients: (n, ...) to (n, ...), float32.

        Raises `RunnerError` when the network fails.
        """
        blobs = np.ascontiguousarray(rows.detach().numpy(), np.float32)
        count = len(blobs)
        left_over = count % torch.get_num_threads() == 1
        found = in_parallel(lambda row: _run(self._on_one_thread, blobs, row),
                            range(count - left_over))
        if left_over:
            found.append(_run(self._on_all_threads, blobs, count - 1))
        return torch.from_numpy(np.concatenate(found))


def _run(runner: OnnxRuntimeRunner, blobs: NDArray[np.float32], row: int) -> NDArray[np.float32]:
    return runner.run(blobs[row:row + 1], ['output'])[0]
