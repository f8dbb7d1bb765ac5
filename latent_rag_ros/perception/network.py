"""The networks of the perception: a checked file, and outputs that are checked as well."""
from __future__ import annotations

import lzma
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.engine.runner import Runner, RunnerError, open_runner
from latent_rag_ros.perception.detector import DetectorError
from latent_rag_ros.weights.registry import WeightsError, weights_file


class Network:
    """An ONNX network whose file has been checked against its manifest.

    It may be run from several threads at once.

    Parameters
    ----------
    weights : Path
        The ONNX file, plain or compressed (`.xz`); its folder's manifest counts, else the shipped
        one.
    outputs : sequence of str
        Names of the outputs to compute, in this order.
    engine : str
        What runs it, see `engine.choice`.
    any_size : bool
        Whether it is fully convolutional and gets inputs of several sizes.
    threads : int
        On how many threads one run computes where the engine can choose; 0 for as many as there
        are.

    Raises
    ------
    WeightsError
        The file is missing, damaged, or no network that can be loaded with these outputs.
    """

    def __init__(self, weights: Path, outputs: Sequence[str], engine: str = 'auto',
                 any_size: bool = False, threads: int = 0) -> None:
        path = weights_file(weights.name, weights.parent)
        self._outputs = list(outputs)
        try:
            content = path.read_bytes()
            if path.suffix == '.xz':
                content = lzma.decompress(content)
            self._runner: Runner = open_runner(content, engine, any_size, threads)
        except (OSError, EOFError, lzma.LZMAError, RunnerError) as error:
            raise WeightsError(f'weights file {path} is no ONNX network that can be loaded '
                               f'({error}); use the shipped one') from error
        absent = set(self._outputs) - set(self._runner.output_names)
        if absent:
            raise WeightsError(f'weights file {path} has no output {", ".join(sorted(absent))}; '
                               'use the shipped one')

    def run(self, blob: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """Return the outputs for one input blob of shape (1, C, H, W).

        Raises `DetectorError` when the network fails or an output is not finite.
        """
        try:
            outputs = self._runner.run(blob, self._outputs)
        except RunnerError as error:
            raise DetectorError(f'network failed: {error}') from error
        if not all(np.isfinite(output).all() for output in outputs):
            raise DetectorError('network output is not finite; check the weights')
        return outputs
