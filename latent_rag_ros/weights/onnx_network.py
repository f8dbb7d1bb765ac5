"""Runs an ONNX network that a user brought, on the CPU, with ONNX Runtime.

The shipped networks run in OpenCV too where ONNX Runtime is missing. Networks that nobody has
tried before need it: it runs every standard operator (detection transformers need some that
OpenCV lacks), and it tells names, types and sizes of inputs and outputs, so that a wrong one is
refused before the first frame.
"""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.engine.onnxruntime_session import open_session, session_errors
from latent_rag_ros.weights.registry import WeightsError

if TYPE_CHECKING:
    import onnxruntime

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
        except session_errors() as error:
            raise RuntimeError(f'{self.path} failed: {error}') from error
        return {name: value.astype(np.float32) if value.dtype == np.float16 else value
                for name, value in zip(self.output_names, outputs)}


def _session(path: Path) -> onnxruntime.InferenceSession:
    if not path.is_file():
        raise WeightsError(f'{path} is no file; give the path of an ONNX network')
    try:
        return open_session(path)
    except ModuleNotFoundError as error:
        raise WeightsError(f'{path} needs ONNX Runtime, which is not installed; '
                           'run: pip install onnxruntime') from error
    except RuntimeError as error:
        raise WeightsError(f'{path} is no ONNX network that can be loaded ({error}); export it '
                           'again') from error
