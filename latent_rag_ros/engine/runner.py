"""Runs the content of an ONNX file on the CPU; who calls it does not know with what."""
from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.engine.choice import resolve_engine
from latent_rag_ros.engine.onnx_shapes import with_any_size
from latent_rag_ros.engine.onnxruntime_session import open_session, session_errors

Blob = NDArray[np.float32]


class RunnerError(RuntimeError):
    """A network cannot be loaded, or failed while it ran. One line says why."""


class Runner(Protocol):
    """One network, safe from several threads at once."""

    output_names: tuple[str, ...]
    """All outputs that the network has."""

    def run(self, blob: Blob, outputs: Sequence[str]) -> list[Blob]:
        """Return the named outputs for one input blob; raises `RunnerError` when that fails."""
        ...


class OpenCvRunner:
    """Runs a network in OpenCV, one copy per shape of its input: a new shape is slow there.

    Calls from several threads wait for each other.
    """

    def __init__(self, content: bytes) -> None:
        self._lock = threading.Lock()
        self._content = np.frombuffer(content, np.uint8)
        self._networks: dict[tuple[int, ...], cv2.dnn.Net] = {}
        self._spare: cv2.dnn.Net | None = self._opened()
        self.output_names = tuple(self._spare.getUnconnectedOutLayersNames())

    def _opened(self) -> cv2.dnn.Net:
        try:
            return cv2.dnn.readNetFromONNX(self._content)
        except cv2.error as error:
            raise RunnerError(f'OpenCV {cv2.__version__} cannot load it: {error}') from error

    def run(self, blob: Blob, outputs: Sequence[str]) -> list[Blob]:
        """Return the named outputs; see `Runner.run`."""
        with self._lock:
            if blob.shape not in self._networks:
                self._networks[blob.shape], self._spare = self._spare or self._opened(), None
            network = self._networks[blob.shape]
            network.setInput(blob)
            try:
                return list(network.forward(list(outputs)))
            except cv2.error as error:
                raise RunnerError(str(error)) from error


class OnnxRuntimeRunner:
    """Runs a network in ONNX Runtime. Its one input may have any shape the network can take.

    Parameters
    ----------
    content : bytes
        What is in the file.
    threads : int
        On how many threads one call computes; 0 for as many as PyTorch. Results are the same.
    """

    def __init__(self, content: bytes, threads: int = 0) -> None:
        try:
            self._session = open_session(content, threads)
        except RuntimeError as error:
            raise RunnerError(str(error)) from error
        self._errors = session_errors()
        self._input = self._session.get_inputs()[0].name
        self.output_names = tuple(node.name for node in self._session.get_outputs())

    def run(self, blob: Blob, outputs: Sequence[str]) -> list[Blob]:
        """Return the named outputs; see `Runner.run`."""
        try:
            return self._session.run(list(outputs), {self._input: blob})
        except self._errors as error:
            raise RunnerError(str(error)) from error


def open_runner(content: bytes, engine: str = 'auto', any_size: bool = False,
                threads: int = 0) -> Runner:
    """Return a runner for the content of an ONNX file.

    Parameters
    ----------
    content : bytes
        What is in the file.
    engine : str
        One of `choice.ENGINES`.
    any_size : bool
        Whether the network is fully convolutional and gets inputs of several sizes.
    threads : int
        On how many threads ONNX Runtime computes one call; 0 for as many as PyTorch.

    Raises
    ------
    RunnerError
        It is no network, or none that the engine can load.
    WeightsError
        The engine is not installed.
    """
    if resolve_engine(engine) == 'plain':
        return OpenCvRunner(content)
    # first as it is, so that a broken file is refused like any other
    runner = OnnxRuntimeRunner(content, threads)
    return OnnxRuntimeRunner(with_any_size(content), threads) if any_size else runner
