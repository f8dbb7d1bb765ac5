"""The recorded video: real time kept, whole or not there."""
from __future__ import annotations

import cv2
import numpy as np
import pytest

from latent_rag_ros.tools.demo_error import DemoError
from latent_rag_ros.tools.video_writer import HOLD_MAX_S, VideoWriter


def grey(level: int, height_px: int = 48, width_px: int = 64) -> np.ndarray:
    """Return an RGB image of one grey level."""
    return np.full((height_px, width_px, 3), level, np.uint8)


def levels(path) -> list[int]:
    """Return the mean grey level of every frame of a video file."""
    capture, found = cv2.VideoCapture(str(path)), []
    while True:
        decoded, image = capture.read()
        if not decoded:
            return found
        found.append(round(float(image.mean())))


def test_last_image_stays_while_frames_are_missing(tmp_path):
    writer = VideoWriter(tmp_path / 'video.mp4', 10.0)
    for level, stamp_s in ((50, 0.0), (100, 0.1), (200, 0.5)):
        writer.write(grey(level), stamp_s)
    assert writer.close()
    found = levels(tmp_path / 'video.mp4')
    assert len(found) == writer.frames_written == 6
    assert found == pytest.approx([50, 100, 100, 100, 100, 200], abs=4)


def test_stamps_with_jitter_keep_the_length(tmp_path):
    writer = VideoWriter(tmp_path / 'video.mp4', 10.0)
    for number in range(50):
        writer.write(grey(100), number / 10 + 0.03 * (-1) ** number)
    assert abs(writer.frames_written - 50) <= 1
    writer.discard()


def test_long_pause_is_cut(tmp_path):
    writer = VideoWriter(tmp_path / 'video.mp4', 10.0)
    writer.write(grey(0), 0.0)
    writer.write(grey(0), 1e6)
    assert writer.frames_written == 1 + HOLD_MAX_S * 10
    writer.discard()


def test_file_appears_only_when_closed(tmp_path):
    writer = VideoWriter(tmp_path / 'video.mp4', 10.0)
    writer.write(grey(0), 0.0)
    assert not (tmp_path / 'video.mp4').exists()
    writer.discard()
    assert list(tmp_path.iterdir()) == []


def test_image_of_another_size_is_scaled(tmp_path):
    writer = VideoWriter(tmp_path / 'video.mp4', 10.0)
    writer.write(grey(50), 0.0)
    writer.write(grey(150, 480, 640), 0.1)
    writer.close()
    assert levels(tmp_path / 'video.mp4') == pytest.approx([50, 150], abs=4)


def test_folder_that_does_not_exist_is_named(tmp_path):
    writer = VideoWriter(tmp_path / 'absent' / 'video.mp4', 10.0)
    with pytest.raises(DemoError, match='absent'):
        writer.write(grey(0), 0.0)
