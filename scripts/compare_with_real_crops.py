#!/usr/bin/env python3
"""Show rendered crops beside those of real pedestrians, and print by how much they differ.

    latent-rag synthesize --people 40 --crops 16 --cameras 24 --seed 2 --out rendered
    scripts/compare_with_real_crops.py rendered/crops vtest.avi --sheet beside.png

The sheet shows real people: look at it and delete it. Rendered crops stand on the left, a row per
person; the pedestrians that `latent_rag_ros/data/vtest_tracks.json` names on the right.
"""
from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.rendered_people import read_rendering
from latent_rag_ros.evaluation.vtest import load_vtest, read_tracks
from latent_rag_ros.perception.person_mask import WEIGHTS_NAME, PersonMasker
from latent_rag_ros.weights.registry import weights_file

Images = NDArray[np.uint8]
MASK_SCORE_MIN = 0.3
GAP_PX = 16


def statistics(images: Images, masks: NDArray[np.float32]) -> dict[str, float]:
    """Return what crops (n, 128, 64, 3), RGB, look like; masks (n, 128, 64) are 1 on the person.

    Grey levels and saturation are those of 8 bits. Sharpness is the mean absolute Laplacian of
    the grey picture.
    """
    grey = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]).astype(float)
    saturation = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2HSV)[..., 1] for image in images])
    person = masks > 0.5
    bodies = [(level[on], colour[on]) for level, colour, on in zip(grey, saturation, person)
              if on.any()]
    dark = [(levels < 64).mean() for levels, _ in bodies]
    return {'brightness, mean': grey.mean(),
            'brightness, deviation between crops': grey.mean((1, 2)).std(),
            'contrast, deviation inside a crop': grey.std((1, 2)).mean(),
            'sharpness': np.mean([np.abs(cv2.Laplacian(level, cv2.CV_64F)).mean()
                                  for level in grey]),
            'person: brightness': np.mean([levels.mean() for levels, _ in bodies]),
            'person: deviation of brightness between crops': np.std(
                [levels.mean() for levels, _ in bodies]),
            'person: contrast inside': np.mean([levels.std() for levels, _ in bodies]),
            'person: saturation': np.mean([colour.mean() for _, colour in bodies]),
            'person: share of dark pixels, per cent': 100 * np.mean(dark),
            'person: share of the crop, per cent': 100 * person.mean()}


def sheet_of(images: Images, identities: NDArray[np.int64], rows: int, columns: int) -> Images:
    """Return a picture with a row per person and crops from the whole of what there is of each."""
    lines = []
    for number in np.unique(identities)[:rows]:
        own = np.flatnonzero(identities == number)
        taken = own[np.linspace(0, len(own) - 1, columns).round().astype(int)]
        lines.append(np.concatenate(images[taken], 1))
    return np.concatenate(lines)


def main(arguments: list[str] | None = None) -> int:
    """Write the sheet if one is asked for, print the table, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('crops', type=Path, help='folder with crops_*.npz')
    parser.add_argument('video', type=Path, help='vtest.avi of the Debian package opencv-doc')
    parser.add_argument('--sheet', type=Path, help='PNG to write; it shows real people')
    parser.add_argument('--rows', type=int, default=8, help='people on each side of the sheet')
    parser.add_argument('--columns', type=int, default=8, help='crops of each person')
    options = parser.parse_args(arguments)
    rendered = read_rendering(options.crops)
    real = load_vtest(options.video, read_tracks(),
                      PersonMasker(weights_file(WEIGHTS_NAME), MASK_SCORE_MIN))
    if options.sheet is not None:
        _write(options.sheet, [sheet_of(people.images, people.labels.identities, options.rows,
                                        options.columns) for people in (rendered.people,
                                                                        real.people)])
    ours = statistics(rendered.people.images, rendered.masks)
    theirs = statistics(real.people.images, real.masks)
    lines = ['| | rendered | real |', '| --- | ---: | ---: |']
    lines += [f'| {name} | {value:.1f} | {theirs[name]:.1f} |' for name, value in ours.items()]
    sys.stdout.write('\n'.join(lines) + '\n')
    return 0


def _write(path: Path, sides: list[Images]) -> None:
    """Write two pictures beside each other, the lower one filled up with white."""
    height = max(len(side) for side in sides)
    filled = [np.pad(side, ((0, height - len(side)), (0, GAP_PX), (0, 0)), constant_values=255)
              for side in sides]
    sheet = cv2.cvtColor(np.concatenate(filled, 1), cv2.COLOR_RGB2BGR)
    temporary = path.with_suffix('.temporary')
    temporary.write_bytes(cv2.imencode('.png', sheet)[1].tobytes())
    os.replace(temporary, path)


if __name__ == '__main__':
    sys.exit(main())
