"""A viewer of protected images that knows which people the camera showed."""
from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
from nodes.conftest import Graph
from sensor_msgs.msg import Image

from latent_rag_ros.evaluation.frames import LabelledFrame, shipped_clip
from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.ros.images import to_rgb
from latent_rag_ros.ros.qos import PROTECTED_IMAGE, STATUS

FIRST_FRAME, FRAMES = 20, 8
LEFT_SHARE_MAX = 0.05
"""Share of the people's own pixels that the detector may leave outside the region; raw is 1."""


def clip_frames() -> list[LabelledFrame]:
    """Return frames of the shipped clip, with two or three synthetic people in each."""
    return list(islice(shipped_clip(), FIRST_FRAME, FIRST_FRAME + FRAMES))


def write_pictures(clip: list[LabelledFrame], folder: Path) -> Path:
    """Write the frames into a folder that the camera node can play."""
    folder.mkdir()
    for number, frame in enumerate(clip):
        assert cv2.imwrite(str(folder / f'{number}.png'), frame.image[..., ::-1])
    return folder


def left_share(message: Image, clip: list[LabelledFrame]) -> float:
    """Return which share of the people of any frame is in an image as the camera saw it."""
    image = to_rgb(message)
    return max(float((image == frame.image).all(axis=2)[frame.labels > 0].mean())
               for frame in clip)


def adds_up(status: ProtectionStatus) -> bool:
    """Return whether every received frame is accounted for."""
    return status.frames_received == (status.frames_protected + status.frames_blanked
                                      + status.frames_dropped + status.frames_pending)


class Viewer:
    """Collects what the protector publishes and compares it with what the camera saw."""

    def __init__(self, graph: Graph, clip: list[LabelledFrame]) -> None:
        self.graph, self.clip = graph, clip
        self.images = graph.collect(Image, 'protected/image', PROTECTED_IMAGE)
        self.statuses = graph.collect(ProtectionStatus, 'protection_status', STATUS)

    @property
    def state(self) -> int:
        """The last reported state; that of nothing configured before the first report."""
        return self.statuses[-1].state if self.statuses else 0

    def wait_for(self, *states: int) -> None:
        """Wait for one of these states."""
        self.graph.wait_for(lambda: self.state in states, f'state {states}')

    def wait_for_images(self, more: int) -> None:
        """Wait for further protected images."""
        total = len(self.images) + more
        self.graph.wait_for(lambda: len(self.images) >= total, 'protected images')

    def assert_nothing_leaked(self) -> None:
        """Fail if an image shows people of any frame that the camera sent, or counters are off."""
        assert self.images
        assert max(left_share(image, self.clip) for image in self.images) < LEFT_SHARE_MAX
        assert all(adds_up(status) for status in self.statuses)
