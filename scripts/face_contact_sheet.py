#!/usr/bin/env python3
"""Show rendered faces as one picture: a row per head.

    latent-rag synthesize --people 12 --crops 0 --faces 8 --seed 5 --out rendered
    scripts/face_contact_sheet.py rendered/faces docs/synthetic_faces.jpg
"""
from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import cv2
import numpy as np

from latent_rag_ros.training.faces import load_faces

JPEG_QUALITY = 88


def main(arguments: list[str] | None = None) -> int:
    """Write the sheet and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('faces', type=Path, help='folder with faces_*.npz')
    parser.add_argument('output', type=Path, help='JPEG to write')
    parser.add_argument('--people', type=int, default=12, help='rows, shown two side by side')
    parser.add_argument('--columns', type=int, default=7, help='pictures of each head')
    options = parser.parse_args(arguments)
    faces = load_faces(options.faces)
    rows = [np.hstack(faces.images[faces.identities == number][:options.columns])
            for number in np.unique(faces.identities)[:options.people // 2 * 2]]
    half = len(rows) // 2
    sheet = np.hstack([np.vstack(rows[:half]), np.vstack(rows[half:])])
    content = cv2.imencode('.jpg', cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR),
                           [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1]
    temporary = options.output.with_suffix('.temporary')
    temporary.write_bytes(content.tobytes())
    os.replace(temporary, options.output)
    sys.stdout.write(f'{options.output}: {len(rows)} heads, {len(content)} bytes\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
