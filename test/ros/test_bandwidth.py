"""What the documentation says of the bandwidth is what the messages weigh."""
from __future__ import annotations

import array
import re
from pathlib import Path

import numpy as np
from rclpy.serialization import serialize_message
from std_msgs.msg import Header

from latent_rag_ros.msg import (
    IdentityFeature, IdentityFeatureArray, IdentityMatch, IdentityMatchArray)

PAGE = Path(__file__).parents[2] / 'docs' / 'gallery.md'
DIMENSION = 256
MODEL_ID, KEY_ID = 'embedder-0123456789ab', '0123456789ab'


def kb_per_s(people: int, frequency_hz: int) -> tuple[float, float]:
    """Return kB/s of features and of matches."""
    header = Header(frame_id='camera_optical_frame')
    feature = array.array('f', np.zeros(DIMENSION, np.float32).tobytes())
    features = IdentityFeatureArray(
        header=header, model_id=MODEL_ID, key_id=KEY_ID, feature_dimension=DIMENSION,
        identities=[IdentityFeature(feature=feature)] * people)
    matches = IdentityMatchArray(
        header=header, model_id=MODEL_ID,
        matches=[IdentityMatch(last_camera='/robot1/camera_optical_frame')] * people)
    return tuple(len(serialize_message(message)) * frequency_hz / 1e3
                 for message in (features, matches))


def test_bandwidth_in_the_documentation_is_that_of_the_messages() -> None:
    """People, frequency and both figures stand in one sentence."""
    [(people, frequency_hz, features, matches)] = re.findall(
        r'(\d+) people at (\d+) Hz are ([\d.]+) kB/s of features .* ([\d.]+) kB/s of matches',
        PAGE.read_text(encoding='utf-8'))
    found = kb_per_s(int(people), int(frequency_hz))
    assert (f'{found[0]:.1f}', f'{found[1]:.1f}') == (features, matches)
