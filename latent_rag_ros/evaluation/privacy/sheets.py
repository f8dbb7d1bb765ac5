"""Contact sheets of the page: original, protected and recovered pictures of rendered people."""
from __future__ import annotations

import base64
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
GAP_PX = 4
PAPER = 255
JPEG_QUALITY = 90


def rows_of(pictures: Mapping[str, Images], method: str) -> dict[str, Images]:
    """Return the rows of the sheet of a method: original, protected, recovered by whom.

    `pictures` is `run.Evaluated.pictures`.
    """
    rows = {'original': pictures['original'], 'protected': pictures[method]}
    prefix = f'{method}/'
    return rows | {f'recovered by {name[len(prefix):]}': images
                   for name, images in pictures.items() if name.startswith(prefix)}


def sheet(rows: Mapping[str, Images]) -> Images:
    """Return one picture with a row of people per entry, each (n, h, w, 3), uint8, RGB."""
    lines = []
    for images in rows.values():
        padded = np.pad(images, ((0, 0), (0, GAP_PX), (0, GAP_PX), (0, 0)),
                        constant_values=PAPER)
        lines.append(np.concatenate(list(padded), axis=1))
    return np.concatenate(lines, axis=0)


def data_uri(image: Images) -> str:
    """Return a picture (h, w, 3), uint8, RGB, as JPEG inside a URI; PNG would be four times it."""
    _, data = cv2.imencode('.jpg', cv2.cvtColor(image, cv2.COLOR_RGB2BGR),
                           [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return f'data:image/jpeg;base64,{base64.b64encode(data).decode()}'
