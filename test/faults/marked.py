"""People whose every pixel is marked, so that any image shows by itself whether one leaked."""
from __future__ import annotations

import cv2
import numpy as np
from nodes.protector_bench import (HEIGHT, PERSON, WIDTH, KnownPersons, ProtectorBench,
                                   header_of, message_of)
from sensor_msgs.msg import Image

from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.protection.types import Box, Detection, ImageArray, MaskArray
from latent_rag_ros.ros.encodings import ENCODINGS
from latent_rag_ros.ros.images import to_rgb

PROTECTING, DEGRADED = ProtectionStatus.STATE_PROTECTING, ProtectionStatus.STATE_DEGRADED
BLANKING = ProtectionStatus.STATE_BLANKING
BACKGROUND_LEVEL_MAX, MARK_LEVEL_MIN, DARK_LEVEL_MAX = 200, 240, 15


def scene(*persons: Box, number: int = 0, size: tuple[int, int] = (HEIGHT, WIDTH)) -> ImageArray:
    """Return noise with persons of marked noise: red above, green below all of the background."""
    random = np.random.default_rng(number)
    image = random.integers(30, BACKGROUND_LEVEL_MAX, (*size, 3), np.uint8)
    for person in persons:
        pixels = image[person.slices]
        pixels[..., 0] = random.integers(MARK_LEVEL_MIN, 256, pixels.shape[:2])
        pixels[..., 1] = random.integers(0, DARK_LEVEL_MAX + 1, pixels.shape[:2])
    return image


def marked(image: ImageArray) -> MaskArray:
    """Return where an image shows a person's own pixels."""
    return ((image[..., 0] >= MARK_LEVEL_MIN) & (image[..., 1] <= DARK_LEVEL_MAX)
            & (image[..., 2] >= 30))


def shot(number: int, *persons: Box, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Image:
    """Return the message of a scene, with a header of its own."""
    return message_of(number, image=scene(*(persons or (PERSON,)), number=number, size=size))


class MarkedPersons(KnownPersons):
    """A detector that finds marked persons where they really are in the image it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.blind = False

    def detect(self, image: ImageArray) -> list[Detection]:
        """Return the box of every marked area; nothing while blind."""
        super().detect(image)
        count, _, boxes, _ = cv2.connectedComponentsWithStats(marked(image).astype(np.uint8))
        return [] if self.blind else [
            Detection(Box(left, top, left + width, top + height), 0.9)
            for left, top, width, height in boxes[1:count, :4].tolist()]


def assert_nothing_leaked(protector: ProtectorBench) -> None:
    """Fail if an image that the protector published shows a person's own pixel."""
    leaks = {image.header.frame_id: leaked_px(image) for image in protector.images}
    assert not any(leaks.values()), leaks


def leaked_px(image: Image) -> int:
    """Return how many of a person's pixels an image shows; all that are set if unreadable."""
    if image.encoding in ENCODINGS:
        return int(marked(to_rgb(image)).sum())
    return int(np.count_nonzero(image.data))


def assert_recovered(protector: ProtectorBench, number: int) -> None:
    """Fail unless the next good frame is protected, all counters add up and nothing leaked."""
    answer = protector.protect(shot(number))
    assert answer.header == header_of(number)
    assert protector.status.state == PROTECTING and protector.status.message == ''
    assert not np.array_equal(to_rgb(answer), scene(PERSON, number=number))
    assert to_rgb(answer)[PERSON.slices].max() == 0
    protector.wait_for(lambda: protector.status.frames_pending == 0, 'end of the work')
    assert_nothing_leaked(protector)
