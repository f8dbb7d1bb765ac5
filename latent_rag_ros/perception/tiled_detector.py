"""A second look at the parts of an image, where small people are large enough to be found."""
from __future__ import annotations

import numpy as np

from latent_rag_ros.perception.detector import PersonDetector, check_image
from latent_rag_ros.protection.types import Box, Detection, ImageArray

TILE_OVERLAP = 0.25
"""Share of a tile that its neighbour sees as well, so that nobody is cut in all tiles."""


def tiles_of(height_px: int, width_px: int, tiles: int) -> list[Box]:
    """Return overlapping tiles that cover an image, row by row.

    Parameters
    ----------
    height_px, width_px : int
        Size of the image.
    tiles : int
        Tiles along the longer side; along the shorter one as many as keep them about square.
    """
    shorter, longer = sorted((height_px, width_px))
    across = max(1, round(tiles * shorter / longer))
    rows, columns = (tiles, across) if height_px > width_px else (across, tiles)
    return [Box(left, top, right, bottom) for top, bottom in _spans(height_px, rows)
            for left, right in _spans(width_px, columns)]


def _spans(length_px: int, count: int) -> list[tuple[int, int]]:
    """Return `count` equal spans that overlap by `TILE_OVERLAP` and cover 0..length_px."""
    span_px = length_px / (count - (count - 1) * TILE_OVERLAP)
    starts = [number * span_px * (1 - TILE_OVERLAP) for number in range(count)]
    return [(int(start), min(length_px, int(np.ceil(start + span_px)))) for start in starts]


class TiledDetector:
    """Runs a detector on every tile of an image.

    Parameters
    ----------
    detector : PersonDetector
        Looks at one tile at a time.
    tiles : int
        Tiles along the longer side, 2 or more.
    """

    def __init__(self, detector: PersonDetector, tiles: int) -> None:
        self._detector, self._tiles = detector, tiles

    def detect(self, image: ImageArray) -> list[Detection]:
        """Return what is found in all tiles, people in two tiles twice; see `PersonDetector`."""
        check_image(image)
        found = []
        for tile in tiles_of(*image.shape[:2], self._tiles):
            part = np.ascontiguousarray(image[tile.slices])
            found += [Detection(detection.box.moved(tile.left, tile.top), detection.score,
                                detection.covered.moved(tile.left, tile.top))
                      for detection in self._detector.detect(part)]
        return found
