"""The trained gaze reader, from the cache of an evaluation or freshly trained."""
from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.face_sets import FaceSet
from latent_rag_ros.evaluation.gaze_reader import GazeNetwork, GazeReader
from latent_rag_ros.evaluation.gaze_training import GazeSettings, train_gaze_network
from latent_rag_ros.evaluation.privacy.stage_cache import (
    StageCache, digest_of, pictures_digest, source_digest)
from latent_rag_ros.weights.registry import sha256_of

SOURCES = ('evaluation/face_sets.py', 'evaluation/gaze_crop.py', 'evaluation/gaze_geometry.py',
           'evaluation/gaze_reader.py', 'evaluation/gaze_samples.py',
           'evaluation/gaze_training.py',
           'identity_decoupling/face_square.py', 'identity_decoupling/oracles/alignment.py',
           'training/trainer.py', 'perception/center_face.py')
LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class GazeInstrument:
    """A reader and the sha256 of its weights, which figures that it measured depend on."""

    reader: GazeReader
    digest: str


def gaze_instrument(folder: Path, faces: Callable[[Path], FaceSet], detector_hash: str,
                    cache: Path | None, settings: GazeSettings | None = None,
                    device: str = 'cpu') -> GazeInstrument:
    """Return the reader that learns from a folder of rendered faces.

    Parameters
    ----------
    folder : Path
        Of `faces_*.npz`, of people whom nothing is measured on.
    faces : Callable
        Finds the faces of the folder; called only when the reader has to be trained.
    detector_hash : str
        Of the weights that find them.
    cache : Path or None
        Where the trained reader is kept, under the hash of its sources, settings and pictures.
    settings : GazeSettings, optional
    device : str
        `cpu` or `cuda:N`.

    Raises
    ------
    EvaluationError
        A face says nothing of its gaze.
    """
    settings = settings or GazeSettings()

    def make() -> dict[str, NDArray]:
        """Train."""
        looks = faces(folder).looks
        if not all(look.gaze_deg for look in looks):
            raise EvaluationError(f'{folder} holds faces without gaze_deg; render them with '
                                  'latent-rag synthesize')
        LOGGER.info('training the gaze reader on %d rendered faces', len(looks))
        network = train_gaze_network(looks, settings, device)
        return {name: value.cpu().numpy() for name, value in network.state_dict().items()}

    key = {'settings': asdict(settings), 'source': source_digest(*SOURCES),
           'detector': detector_hash,
           'faces': digest_of([sha256_of(path) for path in sorted(folder.glob('*.npz'))])}
    weights = StageCache(cache).arrays('gaze', 'reader', key, make)
    network = GazeNetwork()
    network.load_state_dict({name: torch.from_numpy(np.array(value))
                             for name, value in weights.items()})
    return GazeInstrument(GazeReader(network, device),
                          pictures_digest(*(weights[name] for name in sorted(weights))))
