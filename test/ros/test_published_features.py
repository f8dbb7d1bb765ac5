"""Features leave the filter only rotated by the key of the deployment."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from std_msgs.msg import Header

from latent_rag_ros.parameters import ParameterError
from latent_rag_ros.protection.types import (
    Box, Fill, Outcome, ProtectedFrame, ProtectedPerson, Reason)
from latent_rag_ros.ros.identity_array import feature_key, identity_array

FEATURE = np.eye(8, dtype=np.float32)[0]


@pytest.fixture
def frame() -> ProtectedFrame:
    """Return a protected frame of one person with a feature."""
    person = ProtectedPerson(7, Box(0, 0, 4, 8), 0.9, 0, Fill.SYNTHETIC, Reason.NONE, FEATURE)
    return ProtectedFrame(np.zeros((8, 8, 3), np.uint8), Outcome.PROTECTED, Reason.NONE,
                          (person,), np.ones((8, 8), bool))


def test_published_feature_is_rotated_and_names_the_key(frame: ProtectedFrame,
                                                        tmp_path: Path) -> None:
    """The message carries the key's id, never the plain feature; the same key gives the same."""
    key = feature_key(str(tmp_path / 'feature.key'))
    message = identity_array(frame, Header(), 'embedder-1', 8, key)
    published = np.array(message.identities[0].feature)
    assert message.key_id == key.key_id and len(message.key_id) == 12
    assert abs(published @ FEATURE) < 0.99 and np.linalg.norm(published) == pytest.approx(1)
    np.testing.assert_allclose(published, key.transform(FEATURE), atol=1e-6)


def test_key_is_in_ros_home_unless_a_file_is_named(tmp_path: Path,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    """All nodes of a machine share one key; none stands for plain features."""
    monkeypatch.setenv('ROS_HOME', str(tmp_path))
    key = feature_key('')
    assert (tmp_path / 'latent_rag_ros' / 'feature.key').is_file()
    assert feature_key('').key_id == key.key_id
    assert feature_key('none') is None


def test_unusable_key_names_the_parameter(tmp_path: Path) -> None:
    """A damaged key stops configuration; features are not published without one instead."""
    (tmp_path / 'feature.key').write_text('damaged')
    (tmp_path / 'feature.key').chmod(0o600)
    with pytest.raises(ParameterError, match='identity.key_file'):
        feature_key(str(tmp_path / 'feature.key'))
