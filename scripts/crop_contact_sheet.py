#!/usr/bin/env python3
"""Show rendered crops as one picture: a column per person, a row per crop.

    latent-rag synthesize --people 20 --crops 20 --seed 5 --out rendered
    scripts/crop_contact_sheet.py rendered/crops docs/synthetic_people.jpg
"""
from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import cv2
import numpy as np

from latent_rag_ros.training.crops import load_crops

JPEG_QUALITY = 88


def main(arguments: list[str] | None = None) -> int:
    """Write the sheet and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('crops', type=Path, help='folder with crops_*.npz')
    parser.add_argument('output', type=Path, help='JPEG to write')
    parser.add_argument('--people', type=int, default=16, help='columns')
    parser.add_argument('--rows', type=int, default=7, help='crops of each person')
    options = parser.parse_args(arguments)
    crops = load_crops(options.crops)
    columns = [np.concatenate(crops.images[crops.identities == number][:options.rows])
               for number in np.unique(crops.identities)[:options.people]]
    sheet = np.concatenate(columns, 1)
    content = cv2.imencode('.jpg', cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR),
                           [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    temporary = options.output.with_suffix('.temporary')
    temporary.write_bytes(content.tobytes())
    os.replace(temporary, options.output)
    sys.stdout.write(f'{options.output}: {len(columns)} people, {len(content)} bytes\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
