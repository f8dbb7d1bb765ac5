"""Loading and running an ONNX network on the CPU with OpenCV."""
from __future__ import annotations

import lzma
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.perception.detector import DetectorError
from latent_rag_ros.weights.registry import WeightsError, weights_file


class Network:
    """An ONNX network whose file has been checked against its manifest. Not thread-safe.

    Parameters
    ----------
    weights : Path
        The ONNX file, plain or compressed (`.xz`); its folder's manifest counts, else the shipped
        one.
    outputs : sequence of str
        Names of the outputs to compute, in this order.

    Raises
    ------
    WeightsError
        The file is missing, damaged, or no network that OpenCV can load with these outputs.
    """

    def __init__(self, weights: Path, outputs: Sequence[str]) -> None:
        path = weights_file(weights.name, weights.parent)
        self._outputs = list(outputs)
        try:
            content = path.read_bytes()
            if path.suffix == '.xz':
                content = lzma.decompress(content)
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))
        except (OSError, EOFError, lzma.LZMAError, cv2.error) as error:
            raise WeightsError(f'weights file {path} is no ONNX network that OpenCV '
                               f'{cv2.__version__} can load ({error}); use the shipped one'
                               ) from error
        absent = set(self._outputs) - set(self._net.getUnconnectedOutLayersNames())
        if absent:
            raise WeightsError(f'weights file {path} has no output {", ".join(sorted(absent))}; '
                               'use the shipped one')

    def run(self, blob: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return the outputs for one input blob of shape (1, C, H, W).

        Raises `DetectorError` when the network fails or an output is not finite.
        """
        self._net.setInput(blob)
        try:
            outputs = list(self._net.forward(self._outputs))
        except cv2.error as error:
            raise DetectorError(f'network failed: {error}') from error
        if not all(np.isfinite(output).all() for output in outputs):
            raise DetectorError('network output is not finite; check the weights')
        return outputs
