"""The calibrations of an embedder with and without its head, from people who are known."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.evaluation.embedding import embed_images
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.rendered_people import read_rendering
from latent_rag_ros.feature_privacy.protection_head import load_protection_head
from latent_rag_ros.feature_privacy.row_names import PROTECTED, TRAINED
from latent_rag_ros.gallery.calibration import Calibration, calibrate, comparisons
from latent_rag_ros.gallery.features import GalleryError
from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.identity.model_id import model_id
from latent_rag_ros.weights.registry import WEIGHTS_DIRECTORY, sha256_of, weights_file

EMBEDDER_FILE, HEAD_FILE = 'embedder.safetensors', TRAINED[PROTECTED]
CARD_RATES, CARD_SIZES = (0.1, 0.05, 0.01, 0.001), (10, 100, 1000, 10_000)


def model_id_of(embedder: Path, head: Path | None = None) -> str:
    """Return what the protector calls the features of these files in its messages."""
    return model_id(sha256_of(embedder), '' if head is None else sha256_of(head))


def calibration_card(calibrations: Sequence[Calibration], sha256: str) -> str:
    """Return the card of a calibration file: what it is of, and limits to compare by eye."""
    first = calibrations[0]
    names = ', '.join(f'`{one.model_id}`' for one in calibrations)
    return '\n'.join((
        '# gallery_calibration.json', '',
        'From which cosine on the reidentifier takes a person for a known identity, see '
        '`docs/gallery.md`.', '', '| | |', '|---|---|',
        '| command | `latent-rag calibrate --crops DIR` |',
        f'| features of | {names}; for features of any other the file is not used |',
        f'| measured on | {first.data}: {first.genuine_pairs} comparisons of one person, '
        f'{first.strangers} of strangers with galleries of up to {first.sizes[-1]} people |',
        f'| sha256 | `{sha256}` |', '| licence | Apache-2.0 |', '',
        '## Intended use',
        'The limit of a match from `gallery.false_accept_rate`, a rate that somebody can state. '
        'No promise about real people:', 'measure on your own before a match decides anything.',
        '', '## Figures', 'Cosines from which on two features are taken for one person:', '',
        *(line for one in calibrations for line in _limits(one)),
        '## Limits', f'Rates below {first.rates[-1]:.2g} and galleries above {first.sizes[-1]} '
        'people are extrapolated. These are rendered people', 'in many cameras: for one place, '
        'calibrate there.', ''))


def _limits(calibration: Calibration) -> list[str]:
    """Return the lines of the table of one model."""
    heads = ' | '.join(f'{size:,} identities' for size in CARD_SIZES)
    rows = [f'| {rate:g} | ' + ' | '.join(f'{calibration.similarity_min(rate, size):.3f}'
                                          for size in CARD_SIZES) + ' |' for rate in CARD_RATES]
    return [f'| `{calibration.model_id}`: share of strangers taken for somebody | {heads} |',
            '|---|' + '---|' * len(CARD_SIZES), *rows, '']


def measured_calibrations(crops: Path, weights: Path | None,
                          device: str = 'cpu') -> tuple[Calibration, ...]:
    """Return the calibration of the embedder, and of its protection head where there is one.

    Parameters
    ----------
    crops : Path
        Folder of rendered people who are in no training and no test.
    weights : Path or None
        Folder of the embedder; None takes the shipped one.
    device : str
        Where it runs.

    Raises
    ------
    EvaluationError
        When the people are too few or in one camera only.
    """
    people = read_rendering(crops).people
    path = weights_file(EMBEDDER_FILE, weights)
    features = embed_images(load_embedder(path, device), people.images, device)
    measured = [_calibrated(features, people, model_id_of(path))]
    if ((weights or WEIGHTS_DIRECTORY) / HEAD_FILE).is_file():
        file = weights_file(HEAD_FILE, weights)
        head = load_protection_head(file, sha256_of(path), device)
        with torch.no_grad():
            protected = head.protect(torch.from_numpy(features).to(device)).cpu().numpy()
        measured.append(_calibrated(protected, people, model_id_of(path, file)))
    return tuple(measured)


def _calibrated(features: NDArray[np.float32], people: HeldOutPeople,
                name: str) -> Calibration:
    """Return the calibration of features (n, d) of one model."""
    data = (f'{len(people)} crops of {people.identity_count} synthetic people in '
            f'{people.camera_count} cameras')
    try:
        genuine, strangers = comparisons(features, people.labels.identities,
                                         people.labels.cameras)
        return calibrate(genuine, strangers, name, data)
    except GalleryError as error:
        raise EvaluationError(f'{data}: {error}') from error
