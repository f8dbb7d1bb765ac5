"""Train a protected extractor and write it as the tensors of an `Embedder`, which it replaces."""
from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from latent_rag_ros.feature_privacy.double_adversarial import DoubleAdversarialTraining
from latent_rag_ros.feature_privacy.row_names import RUN_NAMES
from latent_rag_ros.feature_privacy.settings import ProtectionSettings
from latent_rag_ros.training.crops import Crops
from latent_rag_ros.weights.registry import sha256_of
from latent_rag_ros.weights.tensors import save_tensors


def train_protected_embedder(crops: Crops, initial: Path, directory: Path,
                             settings: ProtectionSettings, device: str = 'cpu') -> Path:
    """Train on `crops` from the plain extractor `initial` and return the file written.

    `protected_embedder.safetensors`, or `decoder_protected_embedder.safetensors` when the
    reversal module is a decoder. Raises `WeightsError` when `initial` is no embedder.
    """
    network = DoubleAdversarialTraining(crops, initial, settings, directory, device).run()
    metadata = asdict(settings) | {
        'initial_sha256': sha256_of(initial), 'identities': len(np.unique(crops.identities)),
        'crops': len(crops.images)}
    path = directory / f'{RUN_NAMES[settings.reversal.kind]}.safetensors'
    save_tensors(path, network.cpu().state_dict(), {'training': json.dumps(metadata)})
    return path
