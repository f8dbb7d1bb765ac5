"""Runs an ONNX network that a user brought, on the CPU, with ONNX Runtime.

The shipped networks run in OpenCV, which is installed anyway. For networks that nobody has tried
before ONNX Runtime is better: it runs every standard operator (detection transformers need some
that OpenCV lacks), and it tells names, types and sizes of inputs and outputs, so that a wrong one
is refused before the first frame. It is an optional dependency.
"""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.weights.registry import WeightsError

ELEMENT_TYPES = {'tensor(float)': np.float32, 'tensor(float16)': np.float16,
                 'tensor(int64)': np.int64, 'tensor(int32)': np.int32}


class OnnxNetwork:
    """An ONNX network with one image input. Not thread-safe.

    Parameters
    ----------
    path : Path
        The ONNX file.

    Raises
    ------
    WeightsError
        ONNX Runtime is not installed, or the file is no network it can load, or the network has
        no input of shape (batch, 3, height, width).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._session = _session(path)
        self.inputs = {node.name: node for node in self._session.get_inputs()}
        self.output_names = [node.name for node in self._session.get_outputs()]
        images = [node for node in self.inputs.values() if len(node.shape) == 4]
        if len(images) != 1 or images[0].shape[1] not in (3, None) and not isinstance(
                images[0].shape[1], str):
            shapes = ', '.join(f'{name} {node.shape}' for name, node in self.inputs.items())
            raise WeightsError(f'{path} has the inputs {shapes}; give a network with one image '
                               'input of shape (batch, 3, height, width)')
        self.image_name = images[0].name
        self.image_shape: tuple[int | None, ...] = tuple(
            size if isinstance(size, int) and size > 0 else None for size in images[0].shape)

    def run(self, images: NDArray[np.float32],
            others: Mapping[str, NDArray] | None = None) -> dict[str, NDArray]:
        """Return all outputs by name, floats in single precision.

        Parameters
        ----------
        images : NDArray
            Shape (n, 3, h, w), float32; n must be what the network takes.
        others : Mapping, optional
            Values of its other inputs by name.

        Raises
        ------
        RuntimeError
            The network failed.
        """
        values = {self.image_name: images, **(others or {})}
        typed = {name: np.ascontiguousarray(value, ELEMENT_TYPES.get(self.inputs[name].type))
                 for name, value in values.items()}
        try:
            outputs = self._session.run(self.output_names, typed)
        except _session_errors() as error:
            raise RuntimeError(f'{self.path} failed: {error}') from error
        return {name: value.astype(np.float32) if value.dtype == np.float16 else value
                for name, value in zip(self.output_names, outputs)}


def _session_errors() -> tuple[type[Exception], ...]:
    """Return the errors of ONNX Runtime, which have no base class of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state
    return (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf,
            state.NoSuchFile, state.NotImplemented, state.RuntimeException, RuntimeError,
            ValueError)


def _session(path: Path) -> object:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise WeightsError(f'{path} needs ONNX Runtime, which is not installed; '
                           'run: pip install onnxruntime') from error
    if not path.is_file():
        raise WeightsError(f'{path} is no file; give the path of an ONNX network')
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options,
                                            providers=['CPUExecutionProvider'])
    except _session_errors() as error:
        raise WeightsError(f'{path} is no ONNX network that ONNX Runtime '
                           f'{onnxruntime.__version__} can load ({error}); export it again'
                           ) from error
