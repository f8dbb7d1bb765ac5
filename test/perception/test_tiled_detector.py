"""Tiles cover the image, and what is found in one comes back at its place."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.perception.tiled_detector import TiledDetector, tiles_of
from latent_rag_ros.protection.types import Box, Detection


class BrightSpot:
    """Finds the bounds of the white pixels of an image."""

    def detect(self, image):
        rows, columns = np.nonzero(image[:, :, 0] == 255)
        if not len(rows):
            return []
        box = Box(int(columns.min()), int(rows.min()), int(columns.max()) + 1,
                  int(rows.max()) + 1)
        return [Detection(box, 0.5, Box(box.left - 1, box.top, box.right + 2, box.bottom))]


@pytest.mark.parametrize('size', [(480, 640), (1080, 1920), (640, 480), (100, 900), (7, 5)])
@pytest.mark.parametrize('tiles', [2, 3])
def test_tiles_cover_every_pixel_and_stay_inside(size, tiles) -> None:
    seen = np.zeros(size, int)
    for tile in tiles_of(*size, tiles):
        assert tile == tile.clipped(*size)
        seen[tile.slices] += 1
    assert seen.min() >= 1


def test_tiles_are_about_square() -> None:
    assert len(tiles_of(480, 640, 2)) == 4
    assert len(tiles_of(1080, 1920, 3)) == 6
    assert len(tiles_of(100, 900, 3)) == 3


@pytest.mark.parametrize('place', [(3, 5), (240, 320), (470, 630)])
def test_person_in_a_tile_is_found_at_its_place_in_the_image(place) -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    row, column = place
    image[row:row + 4, column:column + 6] = 255
    found = TiledDetector(BrightSpot(), 2).detect(image)
    box = Box(column, row, column + 6, row + 4)
    assert Detection(box, 0.5, Box(column - 1, row, column + 8, row + 4)) in found
