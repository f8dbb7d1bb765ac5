#!/usr/bin/env python3
"""Pack the CC0 panoramas of the npm package @pmndrs/assets into one small file.

Get the package with `npm pack @pmndrs/assets@1.7.0` and unpack it, then

    python scripts/pack_panoramas.py package/hdri latent_rag_ros/synthesis/assets/panoramas.npz
"""
from __future__ import annotations

import argparse
import base64
import os
import re
from pathlib import Path

os.environ['OPENCV_IO_ENABLE_OPENEXR'] = '1'
import cv2  # noqa: E402 - OpenCV reads the variable when it is imported
import numpy as np  # noqa: E402

NAMES = ('apartment', 'bridge', 'city', 'esplanade', 'forest', 'hall', 'lab', 'lobby', 'park',
         'sunrise', 'sunset', 'venice', 'warehouse', 'workshop')
"""Panoramas with a ground to stand on; the studio, the bare skies and the night are left out."""

BRIGHTEST, QUALITY = 12.0, 85


def main() -> None:
    """Write the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('source', type=Path, help='folder `hdri` of the unpacked package')
    parser.add_argument('output', type=Path)
    arguments = parser.parse_args()
    packed = {name: packed_panorama(arguments.source / f'{name}.exr.js') for name in NAMES}
    temporary = arguments.output.with_name('temporary.npz')
    np.savez(temporary, **packed)
    os.replace(temporary, arguments.output)


def packed_panorama(path: Path) -> np.ndarray:
    """Return a panorama as JPEG bytes: the cube root of the radiance, median 1 / 2.2."""
    encoded = re.search(r'base64,([A-Za-z0-9+/=]+)', path.read_text(encoding='utf-8'))
    if encoded is None:
        raise ValueError(f'{path} holds no base64 picture; take version 1.7.0 of the package')
    content = np.frombuffer(base64.b64decode(encoded[1]), np.uint8)
    radiance = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)[..., :3]
    radiance = np.clip(radiance / (2.2 * np.median(radiance)) / BRIGHTEST, 0, 1)
    picture = np.round(np.cbrt(radiance) * 255).astype(np.uint8)
    return cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].ravel()


if __name__ == '__main__':
    main()
