"""People of `latent-rag evaluate features`: whom attackers photograph, whose features leak."""
from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.clothing_colour import clothing_colours
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.ranking import Labels
from latent_rag_ros.evaluation.rendered_people import (
    CAMERAS, CROPS_PER_PERSON, SEEDS, read_rendering)
from latent_rag_ros.evaluation.vtest import load_vtest, read_tracks
from latent_rag_ros.perception.person_mask import WEIGHTS_NAME, PersonMasker
from latent_rag_ros.training.crops import load_crops
from latent_rag_ros.weights.registry import weights_file

ATTACKERS_SEED, PEOPLE, ATTACKERS_CROPS, ATTACKERS_CAMERAS = 7, 1000, 8, 120
"""Rendered people of the attackers; no weight, no store and no figure was made from them."""

MASK_SCORE_MIN = 0.5
CLASSES = 3
"""Build and hair are slim, medium, heavy and dark, medium, light: thirds of the attackers' people.
"""


@dataclass(frozen=True)
class Subjects:
    """Pictures of people with what is true of them.

    Parameters
    ----------
    name : str
        What the results call them.
    people : HeldOutPeople
        Crops and labels.
    masks : NDArray
        Shape (n, 128, 64), bool: where the person is.
    traits : Mapping
        Numbers per picture, (n,): `female`, `build`, `hair`; empty for real people.
    """

    name: str
    people: HeldOutPeople
    masks: NDArray[np.bool_]
    traits: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def rows(self, kept: NDArray) -> Subjects:
        """Return some of the pictures, given as numbers or as a bool per row."""
        labels = self.people.labels
        return Subjects(
            self.name, HeldOutPeople(self.people.images[kept], Labels(
                labels.identities[kept], labels.cameras[kept])), self.masks[kept],
            {name: values[kept] for name, values in self.traits.items()})

    @property
    def fingerprint(self) -> str:
        """12 hexadecimal digits of pixels and labels."""
        digest = hashlib.sha256(self.people.images.tobytes())
        digest.update(self.people.labels.identities.tobytes())
        return digest.hexdigest()[:12]


def rendered_subjects(directory: Path, identities_max: int | None = None) -> Subjects:
    """Return the people of a folder that `latent-rag synthesize` wrote, with their traits.

    Raises `EvaluationError` when it holds no crops with masks, or does not say its seed.
    """
    from latent_rag_ros.synthesis.traits import traits_of

    rendering = read_rendering(directory, identities_max)
    if rendering.masks is None:
        raise EvaluationError(f'{directory} has crops without masks; render them again with: '
                              'latent-rag synthesize')
    settings = directory / 'synthesis.json'
    try:
        seed = int(json.loads(settings.read_text(encoding='utf-8'))['seed'])
    except (OSError, ValueError, KeyError) as error:
        raise EvaluationError(f'{settings} does not say the seed of the people ({error}); give '
                              'the folder that latent-rag synthesize wrote') from error
    identities = rendering.people.labels.identities
    numbers = np.unique(load_crops(directory / 'crops').identities)[:identities.max()]
    traits = np.array([traits_of(seed, int(number)) for number in numbers], np.float64)
    return Subjects(rendering.name, rendering.people, rendering.masks > 0.5,
                    dict(zip(('female', 'build', 'hair'), traits[identities - 1].T)))


def attackers_folder(people: int = PEOPLE) -> Path:
    """Return the folder of the attackers' people in the user's cache; rendered when missing.

    Raises `EvaluationError` when the renderer is not installed.
    """
    return _rendered_folder('feature_attackers', people, ATTACKERS_CROPS, ATTACKERS_SEED,
                            ATTACKERS_CAMERAS)


def few_held_out_folder(people: int) -> Path:
    """Return a folder of a few held-out people, for a run that only shows that it works."""
    return _rendered_folder('few_held_out', people, CROPS_PER_PERSON, SEEDS[0], CAMERAS)


def _rendered_folder(name: str, people: int, crops: int, seed: int, cameras: int) -> Path:
    try:
        from latent_rag_ros.synthesis.dataset import Settings, render_dataset
    except ModuleNotFoundError as error:
        raise EvaluationError(
            f'{error.name} is not installed; people are rendered with the extra synthesis: '
            'pip install "latent-rag-ros[synthesis]"; or give rendered ones with --crops and '
            '--attacker-crops') from error
    cache = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'latent_rag_ros'
    folder = cache / f'{name}_{people}x{crops}_seed_{seed}'
    render_dataset(Settings(people, crops, 0, seed, cameras), folder,
                   workers=len(os.sched_getaffinity(0)))
    return folder


def real_subjects(video: Path) -> Subjects:
    """Return the labelled pedestrians of `vtest.avi`; their pixels never leave memory."""
    real = load_vtest(video, read_tracks(),
                      PersonMasker(weights_file(WEIGHTS_NAME), MASK_SCORE_MIN))
    return Subjects('vtest', real.people, real.masks > 0.5)


def attributes(subjects: Subjects, attackers: Subjects) -> dict[str, NDArray[np.int64]]:
    """Return the classes of every picture by attribute, each (n,), from 0 on.

    `torso_colour` and `legs_colour` of everybody; `body` (sex), `build` and `hair` of rendered
    people, the latter two in thirds of the `attackers`' people.
    """
    clothing = clothing_colours(subjects.people.images, subjects.masks)
    classes = {'torso_colour': clothing.torso, 'legs_colour': clothing.legs}
    if not subjects.traits:
        return classes
    classes['body'] = subjects.traits['female'].astype(np.int64)
    for name in ('build', 'hair'):
        borders = np.quantile(attackers.traits[name], np.arange(1, CLASSES) / CLASSES)
        classes[name] = np.searchsorted(borders, subjects.traits[name]).astype(np.int64)
    return classes
