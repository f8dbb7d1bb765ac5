"""People and pictures that several tests look at, rendered once per session."""
from __future__ import annotations

import cv2
import pytest

from latent_rag_ros.synthesis.crop_renderer import Crop, render_crop
from latent_rag_ros.synthesis.person import Person, sample_person

SEED, CAMERAS = 11, 12


@pytest.fixture(scope='session', autouse=True)
def one_thread() -> None:
    """Render as the command does: one core per process."""
    cv2.setNumThreads(1)


@pytest.fixture(scope='session')
def person() -> Person:
    """Return one person outside every uniform group."""
    return sample_person(SEED, 7)


@pytest.fixture(scope='session')
def crops(person: Person) -> list[Crop]:
    """Return 24 crops of that person."""
    return [render_crop(SEED, person, 7, crop, CAMERAS) for crop in range(24)]
