"""A network whose output is not finite stops the frame."""
from __future__ import annotations

import lzma
import struct
from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.perception.detector import DetectorError
from latent_rag_ros.perception.nanodet import WEIGHTS_NAME, NanoDetDetector
from latent_rag_ros.perception.network import Network
from latent_rag_ros.weights.registry import register, weights_file


@pytest.fixture
def broken_weights(tmp_path: Path) -> Path:
    """Return the detector's weights with the last bias of its last layer replaced by NaN."""
    content = bytearray(lzma.decompress(weights_file(WEIGHTS_NAME).read_bytes()))
    header = b'unknown_72J\xf0\x03'  # name of the tensor, then the tag and length of 124 floats
    end = content.rindex(header) + len(header) + 4 * 124
    content[end - 4:end] = struct.pack('<f', float('nan'))
    path = tmp_path / 'broken.onnx'
    path.write_bytes(content)
    register(path)
    return path


def test_output_is_refused_when_not_finite(broken_weights: Path) -> None:
    detector = NanoDetDetector(broken_weights, 0.35, 0.6)
    with pytest.raises(DetectorError, match='not finite'):
        detector.detect(np.zeros((64, 64, 3), np.uint8))


def test_failure_is_a_detector_error_when_the_input_does_not_fit() -> None:
    network = Network(weights_file(WEIGHTS_NAME), ['sides_32'])
    with pytest.raises(DetectorError, match='network failed'):
        network.run(np.zeros((1, 5, 416, 416), np.float32))
