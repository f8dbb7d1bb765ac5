#!/usr/bin/env python3
"""Calibrate the impostor thresholds of the face oracles, and say how well each tells people apart.

Every set of faces is a folder with one folder per person, pictures anywhere below, where faces are
found by CenterFace and a picture may hold several of its person; or it is the `faces` folder of
`latent-rag synthesize --faces`. The strictest set counts.

    python scripts/calibrate_face_oracles.py --networks faces --set people --set rendered/faces \
        --out thresholds.json

Nothing of a picture is written, only the thresholds.
"""
from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.identity_decoupling.oracles.alignment import LANDMARKS
from latent_rag_ros.identity_decoupling.oracles.calibration import (
    Threshold, impostor_cosines, impostor_threshold, save_thresholds, strictest)
from latent_rag_ros.identity_decoupling.oracles.catalogue import FORMATS
from latent_rag_ros.identity_decoupling.oracles.oracle import Oracle, load_oracle
from latent_rag_ros.perception.center_face import WEIGHTS_NAME, CenterFaceDetector

LOG = logging.getLogger('calibrate_face_oracles')
SUFFIXES = ('.jpg', '.jpeg', '.png')
FACE_PX_MIN = 40


Looks = Iterator[tuple[int, NDArray[np.uint8], NDArray[np.float32]]]
"""Person, RGB picture, landmarks (5, 2)."""


def rendered_looks(folder: Path) -> Looks:
    """Yield the faces of a folder that `latent-rag synthesize --faces` filled."""
    for path in sorted(folder.glob('*.npz')):
        with np.load(path) as stored:
            arrays = {name: stored[name] for name in ('identities', 'images', 'landmarks')}
        for person, image, landmarks in zip(*arrays.values()):
            yield int(person), image, landmarks[:LANDMARKS]


def photographed_looks(folder: Path, detector: CenterFaceDetector, people: slice,
                       side_px_max: int) -> Looks:
    """Yield the faces that CenterFace finds in the pictures of a folder."""
    folders = sorted(path for path in folder.iterdir() if path.is_dir())
    for number, person in enumerate(folders[people]):
        for path in sorted(path for path in person.rglob('*') if path.suffix in SUFFIXES):
            image = np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])
            scale = min(1.0, side_px_max / max(image.shape[:2]))
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            for face in detector.detect(image):
                if face.box.width_px >= FACE_PX_MIN:
                    yield number, image, face.landmarks


def features_of(looks: Looks, oracles: list[Oracle]) -> tuple[dict[str, NDArray], NDArray]:
    """Return the features (n, d) by oracle, and the person (n,), of all faces of a set."""
    found: dict[str, list[NDArray]] = {oracle.name: [] for oracle in oracles}
    identities: list[int] = []
    for person, image, landmarks in looks:
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
        for oracle in oracles:
            with torch.no_grad():
                features = oracle.features(pixels, torch.from_numpy(landmarks)[None])
            found[oracle.name].append(features[0].numpy())
        if person not in identities:
            LOG.info('person %d', person)
        identities.append(person)
    return {name: np.stack(rows) for name, rows in found.items()}, np.array(identities)


def area_under_curve(features: NDArray, identities: NDArray) -> float:
    """Return how often a pair of one person is more similar than a pair of two people."""
    one, other = np.triu_indices(len(features), 1)
    same = identities[one] == identities[other]
    genuine = (features @ features.T)[one[same], other[same]]
    impostors = np.sort(impostor_cosines(features, identities))
    return float(np.searchsorted(impostors, genuine).mean() / len(impostors))


def main() -> int:
    """Calibrate what is named on the command line; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--networks', type=Path, required=True,
                        help='folder that scripts/convert_face_networks.py wrote')
    parser.add_argument('--set', type=Path, required=True, action='append', dest='sets',
                        help='folder of faces; may be given several times')
    parser.add_argument('--people', type=int, default=None,
                        help='take only the first people of every set')
    parser.add_argument('--side-px-max', type=int, default=1280)
    parser.add_argument('--out', type=Path, required=True, help='JSON file of thresholds')
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    detector = CenterFaceDetector(arguments.networks / WEIGHTS_NAME,
                                  side_px_max=arguments.side_px_max)
    oracles = [load_oracle(name, arguments.networks, {name: 1.0}) for name in FORMATS]
    thresholds: dict[str, list[Threshold]] = {name: [] for name in FORMATS}
    for folder in arguments.sets:
        looks = (rendered_looks(folder) if any(folder.glob('*.npz')) else
                 photographed_looks(folder, detector, slice(arguments.people),
                                    arguments.side_px_max))
        features, identities = features_of(looks, oracles)
        for name, rows in features.items():
            thresholds[name].append(impostor_threshold(rows, identities))
            LOG.info('%s', json.dumps({
                'set': folder.name, 'oracle': name, 'faces': len(rows),
                'area_under_curve': round(area_under_curve(rows, identities), 4),
                'threshold': round(thresholds[name][-1].cosine, 4)}))
    save_thresholds(arguments.out, {name: strictest(found)
                                    for name, found in thresholds.items()})
    return 0


if __name__ == '__main__':
    sys.exit(main())
