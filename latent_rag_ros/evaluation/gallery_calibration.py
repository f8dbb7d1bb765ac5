"""The calibration of an embedder, from people whose identities are known."""
from __future__ import annotations

from pathlib import Path

from latent_rag_ros.evaluation.embedding import embed_images
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.rendered_people import read_rendering
from latent_rag_ros.gallery.calibration import Calibration, calibrate, comparisons
from latent_rag_ros.gallery.features import GalleryError
from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.weights.registry import sha256_of, weights_file

EMBEDDER_FILE = 'embedder.safetensors'
CARD_RATES = (0.1, 0.05, 0.01, 0.001)


def model_id_of(path: Path) -> str:
    """Return what the protector calls an embedder in its messages."""
    return f'embedder-{sha256_of(path)[:12]}'


def calibration_card(calibration: Calibration, sha256: str) -> str:
    """Return the card of a calibration file: what it is of, and limits to compare by eye."""
    sizes = (10, 100, 1000, 10_000)
    rows = [f'| {rate:g} | ' + ' | '.join(f'{calibration.similarity_min(rate, size):.3f}'
                                          for size in sizes) + ' |' for rate in CARD_RATES]
    heads = ' | '.join(f'{size:,} identities' for size in sizes)
    return '\n'.join((
        '# gallery_calibration.json', '',
        'From which cosine on the reidentifier takes a person for a known identity, see '
        '`docs/gallery.md`.', '', '| | |', '|---|---|',
        '| command | `latent-rag calibrate --crops DIR` |',
        f'| embedder | `{calibration.model_id}`; for features of any other the file is not used |',
        f'| measured on | {calibration.data}: {calibration.genuine_pairs} comparisons of one '
        f'person, {calibration.strangers} of strangers with galleries of up to '
        f'{calibration.sizes[-1]} people |',
        f'| sha256 | `{sha256}` |', '| licence | Apache-2.0 |', '',
        f'| share of strangers taken for somebody | {heads} |', '|---|' + '---|' * len(sizes),
        *rows, '',
        f'Rates below {calibration.rates[-1]:.2g} and galleries above {calibration.sizes[-1]} '
        'people are extrapolated.', ''))


def measured_calibration(crops: Path, weights: Path | None,
                         device: str = 'cpu') -> Calibration:
    """Return the calibration of an embedder.

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
    data = (f'{len(people)} crops of {people.identity_count} synthetic people in '
            f'{people.camera_count} cameras')
    try:
        genuine, strangers = comparisons(features, people.labels.identities,
                                         people.labels.cameras)
        return calibrate(genuine, strangers, model_id_of(path), data)
    except GalleryError as error:
        raise EvaluationError(f'{data}: {error}') from error
