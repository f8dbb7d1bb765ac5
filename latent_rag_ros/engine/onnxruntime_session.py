"""Sessions of ONNX Runtime on the CPU, for shipped networks and for those that users bring."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    import onnxruntime

ERRORS_ONLY = 3
"""Level of the runtime's own log: it warns of every constant that it could fold."""


def session_errors() -> tuple[type[Exception], ...]:
    """Return the errors of ONNX Runtime, which have no base class of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state
    return (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf,
            state.NoSuchFile, state.NotImplemented, state.RuntimeException, RuntimeError,
            ValueError)


def open_session(network: Path | bytes, threads: int = 0) -> onnxruntime.InferenceSession:
    """Return a session for a file or for its content; nothing is written anywhere.

    It computes on `threads` threads, 0 for as many as PyTorch. They sleep while there is nothing
    to do: spinning ones would starve the camera's process on a robot with few cores.

    Raises
    ------
    ModuleNotFoundError
        ONNX Runtime is not installed.
    RuntimeError
        It cannot load the network.
    """
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    options.log_severity_level = ERRORS_ONLY
    try:
        return onnxruntime.InferenceSession(
            network if isinstance(network, bytes) else str(network), options,
            providers=['CPUExecutionProvider'])
    except session_errors() as error:
        raise RuntimeError(f'ONNX Runtime {onnxruntime.__version__} cannot load it: {error}'
                           ) from error
