#!/usr/bin/env python3
"""Pack rendered frames and their exact person masks into one small file for the evaluation.

Input: one `.npz` file from the renderer with X (n, height, width, 3) uint8 BGR and M (n, height,
width) uint8, 0 nobody, else a number per person. The same input gives the same bytes.
"""
from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

JPEG_QUALITY = 88


def joined(files: Iterable[NDArray[np.uint8]]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes of all files in one array, and where each file ends in it."""
    parts = [file.ravel() for file in files]
    return np.concatenate(parts), np.cumsum([len(part) for part in parts]).astype(np.int64)


def main(arguments: list[str] | None = None) -> int:
    """Read the rendered frames, write the packed ones, say how large the file is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('rendered', type=Path, help='rendered .npz file')
    parser.add_argument('output', type=Path, help='packed .npz file to write')
    parser.add_argument('--frames', type=int, default=40, help='frames to keep')
    options = parser.parse_args(arguments)
    with np.load(options.rendered) as archive:
        images, labels = archive['X'][:options.frames], archive['M'][:options.frames]
    if len(images) < options.frames or images.shape[:3] != labels.shape:
        parser.error(f'{options.rendered.name} has {len(images)} frames and {len(labels)} masks; '
                     f'{options.frames} of each are wanted')
    jpeg_bytes, jpeg_ends = joined(
        cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
        for image in images)
    png_bytes, png_ends = joined(
        cv2.imencode('.png', mask, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1] for mask in labels)
    temporary = options.output.with_suffix('.part.npz')
    np.savez(temporary, jpeg_bytes=jpeg_bytes, jpeg_ends=jpeg_ends,
             png_bytes=png_bytes, png_ends=png_ends)
    os.replace(temporary, options.output)
    sys.stdout.write(f'{options.output.name}: {len(images)} frames, '
                     f'{options.output.stat().st_size / 1e6:.2f} MB\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
