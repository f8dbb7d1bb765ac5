"""Which library runs the networks forward: the fastest that is installed.

ONNX Runtime folds batch normalisation, fuses activations into convolutions and lays tensors out
for the vector units of the processor: the shipped networks take about half the time of OpenCV and
of PyTorch, with the same results to 1e-4 (`docs/real_time.md`). What needs gradients always runs
in PyTorch.
"""
from __future__ import annotations

import importlib.util

from latent_rag_ros.weights.registry import WeightsError

LIBRARIES = ('onnxruntime', 'onnx')
"""What the faster engine needs: one runs networks, the other describes them to it in memory."""

ENGINES = ('auto', 'onnxruntime', 'plain')


def resolve_engine(name: str) -> str:
    """Return the engine really used for a value of the parameter `engine`.

    `auto` takes ONNX Runtime where it is installed, else `plain`, which is OpenCV for ONNX files
    and PyTorch for all others.

    Raises
    ------
    WeightsError
        ONNX Runtime is asked for and not installed.
    ValueError
        The name is none of `ENGINES`.
    """
    if name not in ENGINES:
        raise ValueError(f'engine is {name!r}; choose one of {", ".join(ENGINES)}')
    is_installed = all(importlib.util.find_spec(library) for library in LIBRARIES)
    if name == 'auto':
        return 'onnxruntime' if is_installed else 'plain'
    if name == 'onnxruntime' and not is_installed:
        raise WeightsError(f'engine is onnxruntime, and {" or ".join(LIBRARIES)} is not '
                           f'installed; run: pip install {" ".join(LIBRARIES)}, or set engine to '
                           'auto')
    return name
