"""Images and networks that the perception tests share."""
from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest

from latent_rag_ros.perception import nanodet, person_mask
from latent_rag_ros.protection.types import ImageArray
from latent_rag_ros.weights.registry import weights_file

DATA = Path(__file__).resolve().parents[1] / 'data'


@pytest.fixture(scope='session')
def detector() -> nanodet.NanoDetDetector:
    return nanodet.NanoDetDetector(weights_file(nanodet.WEIGHTS_NAME), 0.35, 0.6)


@pytest.fixture(scope='session')
def masker() -> person_mask.PersonMasker:
    return person_mask.PersonMasker(weights_file(person_mask.WEIGHTS_NAME), 0.3)


@pytest.fixture(scope='session')
def people() -> list[tuple[ImageArray, list[list[int]]]]:
    """Return rendered images, each with the boxes (left, top, right, bottom) of its people."""
    boxes = json.loads((DATA / 'people.json').read_text())['boxes']
    return [(cv2.cvtColor(cv2.imread(str(DATA / name)), cv2.COLOR_BGR2RGB), boxes[name])
            for name in sorted(boxes)]
