#!/usr/bin/env python3
"""Pack rendered crops of held-out people into one small file for the evaluation.

Input: the `crops` folder that `latent-rag synthesize` made. Of every identity the first crop in
each of a few cameras is kept; the cameras are drawn with a seed. The same input gives the same
bytes.
"""
from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.training.crops import load_crops

JPEG_QUALITY = 95


def chosen_rows(identities: NDArray[np.int64], cameras: NDArray[np.int64], identity_count: int,
                camera_count: int, seed: int) -> list[int]:
    """Return one row per identity and drawn camera, for the lowest identity numbers.

    Raises `ValueError` when there are too few identities, or cameras of one identity.
    """
    rng = np.random.default_rng(seed)
    known = np.unique(identities)
    if len(known) < identity_count:
        raise ValueError(f'{len(known)} identities are rendered, {identity_count} are wanted')
    rows: list[int] = []
    for identity in known[:identity_count]:
        of_identity = np.flatnonzero(identities == identity)
        seen_by = np.unique(cameras[of_identity])
        if len(seen_by) < camera_count:
            raise ValueError(f'identity {identity} is seen by {len(seen_by)} cameras, '
                             f'{camera_count} are wanted')
        for camera in np.sort(rng.choice(seen_by, camera_count, replace=False)):
            rows.append(int(of_identity[cameras[of_identity] == camera][0]))
    return rows


def packed(images_bgr: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the JPEG bytes of all images in one array, and where each image ends in it."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    encoded = [cv2.imencode('.jpg', image, quality)[1].ravel() for image in images_bgr]
    return np.concatenate(encoded), np.cumsum([len(data) for data in encoded]).astype(np.int64)


def main(arguments: list[str] | None = None) -> int:
    """Read the renderer's files, write the packed one, say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('rendered', type=Path, help='folder of rendered crops')
    parser.add_argument('output', type=Path, help='packed .npz file to write')
    parser.add_argument('--people-seed', type=int, default=0,
                        help='seed of the people; makes the numbers of people and cameras unique')
    parser.add_argument('--identities', type=int, default=100, help='people to keep')
    parser.add_argument('--cameras', type=int, default=4, help='cameras to keep of each')
    parser.add_argument('--seed', type=int, default=2026, help='seed of the choice of cameras')
    options = parser.parse_args(arguments)
    try:
        crops = load_crops(options.rendered, options.people_seed)
        rows = chosen_rows(crops.identities, crops.cameras, options.identities, options.cameras,
                           options.seed)
    except (FileNotFoundError, ValueError) as error:
        parser.error(str(error))
    jpeg_bytes, jpeg_ends = packed(crops.images[rows][..., ::-1])
    temporary = options.output.with_suffix('.part.npz')
    np.savez(temporary, jpeg_bytes=jpeg_bytes, jpeg_ends=jpeg_ends,
             identities=crops.identities[rows], cameras=crops.cameras[rows])
    os.replace(temporary, options.output)
    sys.stdout.write(f'{options.output.name}: {len(rows)} crops, '
                     f'{options.output.stat().st_size / 1e6:.2f} MB\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
