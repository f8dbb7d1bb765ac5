"""Held-out people of `latent-rag evaluate models`: rendered folders, made when missing."""
from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.ranking import Labels
from latent_rag_ros.training.crops import Crops, load_crops

SEEDS = (101, 102, 103)
"""Data seeds of the figures; no weight and no store was made from them."""

PEOPLE, CROPS_PER_PERSON, CAMERAS = 200, 12, 24
REMEDY = (f'render them with: latent-rag synthesize --people {PEOPLE} --crops {CROPS_PER_PERSON} '
          f'--cameras {CAMERAS} --seed {SEEDS[0]} --out DIR')


@dataclass(frozen=True)
class Rendering:
    """The people of one rendered folder.

    Parameters
    ----------
    name : str
        What the results call it: its seed, or the name of the folder.
    people : HeldOutPeople
        Crops and labels; identities count from 1.
    sha256 : str
        Of pixels and labels, so that others can tell whether they have the same crops.
    masks : NDArray or None
        Where the person is seen, shape (n, 128, 64), 0 or 1; None when unknown.
    """

    name: str
    people: HeldOutPeople
    sha256: str
    masks: NDArray[np.float32] | None = None


def read_rendering(directory: Path, identities_max: int | None = None) -> Rendering:
    """Read the crops of a rendered folder, of its first `identities_max` people if given.

    `directory` is what `latent-rag synthesize` wrote, or its folder `crops`. Raises
    `EvaluationError` when it holds no crops or fewer than two cameras.
    """
    folder = directory / 'crops' if (directory / 'crops').is_dir() else directory
    try:
        crops = load_crops(folder)
    except (OSError, KeyError, ValueError) as error:
        raise EvaluationError(f'{directory} holds no rendered crops ({error}); {REMEDY}'
                              ) from error
    _, identities = np.unique(crops.identities, return_inverse=True)
    kept = identities < (identities_max or len(identities))
    people = HeldOutPeople(crops.images[kept], Labels(identities[kept].astype(np.int64) + 1,
                                                      crops.cameras[kept]))
    if people.camera_count < 2:
        raise EvaluationError(f'{directory} shows one camera only; figures need the same people '
                              'in at least two')
    masks = None if crops.masks is None else crops.mask(np.flatnonzero(kept))[:, 0].numpy()
    return Rendering(_name(folder.parent if folder.name == 'crops' else folder), people,
                     _sha256(crops), masks)


def are_of_the_figures(renderings: Sequence[Rendering]) -> bool:
    """Return whether these are complete sets of exactly the seeds of the published figures."""
    return ([rendering.name for rendering in renderings] == [f'seed {seed}' for seed in SEEDS]
            and all(len(rendering.people) == PEOPLE * CROPS_PER_PERSON
                    and rendering.people.identity_count == PEOPLE for rendering in renderings))


def rendered_folders(seeds: Sequence[int] = SEEDS) -> list[Path]:
    """Return one folder of held-out people per seed; what is missing is rendered.

    They stay in the user's cache (`XDG_CACHE_HOME`, else `~/.cache`), about 60 MB a seed.

    Raises `EvaluationError` when the renderer is not installed.
    """
    try:
        from latent_rag_ros.synthesis.dataset import Settings, render_dataset
    except ModuleNotFoundError as error:
        raise EvaluationError(f'{error.name} is not installed; held-out people are rendered with '
                              'the extra synthesis: pip install "latent-rag-ros[synthesis]"; or '
                              'give rendered folders with --crops') from error
    cache = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache') / 'latent_rag_ros'
    folders = []
    for seed in seeds:
        folder = cache / f'held_out_people_{PEOPLE}x{CROPS_PER_PERSON}_seed_{seed}'
        render_dataset(Settings(PEOPLE, CROPS_PER_PERSON, 0, seed, CAMERAS), folder,
                       workers=len(os.sched_getaffinity(0)))
        folders.append(folder)
    return folders


def _name(directory: Path) -> str:
    """Return `seed N` where the folder says what it was rendered from, else its name."""
    try:
        settings = json.loads((directory / 'synthesis.json').read_text(encoding='utf-8'))
        return f'seed {int(settings["seed"])}'
    except (OSError, ValueError, KeyError, TypeError):
        return directory.name


def _sha256(crops: Crops) -> str:
    digest = hashlib.sha256(crops.images.tobytes())
    for part in (crops.identities, crops.cameras):
        digest.update(part.tobytes())
    return digest.hexdigest()
