"""Train a protection head on a frozen embedder and write it with that embedder's hash."""
from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from latent_rag_ros.feature_privacy.double_adversarial import DoubleAdversarialTraining
from latent_rag_ros.feature_privacy.labelled_features import labelled_features
from latent_rag_ros.feature_privacy.protection_head import EMBEDDER_KEY
from latent_rag_ros.feature_privacy.row_names import RUN_NAMES
from latent_rag_ros.feature_privacy.settings import ProtectionSettings
from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.training.crops import Crops
from latent_rag_ros.weights.registry import sha256_of
from latent_rag_ros.weights.tensors import save_tensors


def train_protection_head(crops: Crops, embedder: Path, directory: Path,
                          settings: ProtectionSettings, device: str = 'cpu') -> Path:
    """Train on `crops` behind the file of a plain embedder and return the file written.

    `protection_head.safetensors`, or `decoder_protection_head.safetensors` when the reversal
    module is a decoder. Raises `WeightsError` when `embedder` is no embedder.
    """
    people = labelled_features(crops, load_embedder(embedder, device),
                               settings.crops_per_identity, settings.seed, torch.device(device))
    head = DoubleAdversarialTraining(people, settings, directory).run()
    training = asdict(settings) | {'identities': len(np.unique(people.identities)),
                                   'crops': len(people.identities)}
    path = directory / f'{RUN_NAMES[settings.reversal.kind]}.safetensors'
    save_tensors(path, head.cpu().state_dict(), {
        'training': json.dumps(training), EMBEDDER_KEY: sha256_of(embedder)})
    return path
