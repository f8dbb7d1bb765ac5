"""The surrogate-store attacker: it has the method's code and a store of its own people.

It cannot protect pictures with the deployment's store, so it makes its pairs with its own store,
looks a protected picture up among them, and trains a network on the picture and what it found.
"""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.evaluation.attacks.best_training import fingerprint
from latent_rag_ros.evaluation.attacks.interface import AttackPairs, Budget, Images
from latent_rag_ros.evaluation.attacks.pairs import (
    STORE_SEED, Protect, attackers_people, chosen_pairs)
from latent_rag_ros.evaluation.attacks.recovery import (
    VALIDATION_PICTURES, Evidence, Recoverer, psnr_loss)
from latent_rag_ros.evaluation.attacks.unet import UNet
from latent_rag_ros.evaluation.embedding import EmbeddingNetwork, embed_images, to_crops
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.ranking import Labels
from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.latent_rag.code_predictor import (
    PREDICTOR_FILE, CodePredictor, has_code_predictor, load_code_predictor)
from latent_rag_ros.latent_rag.encoder import load_encoder
from latent_rag_ros.latent_rag.generator import load_generator
from latent_rag_ros.latent_rag.presets import Preset
from latent_rag_ros.latent_rag.replacer import EMBEDDER_FILE, GENERATOR_FILE, LatentRagReplacer
from latent_rag_ros.latent_rag.store_builder import build_store
from latent_rag_ros.weights.registry import WEIGHTS_DIRECTORY, sha256_of, weights_file

NEIGHBOURS = 8
"""Pictures that are looked up and averaged."""

OWN_PAIRS_MAX = 1200
"""Pictures that the attacker protects by itself; the rest it does without."""


def surrogate_replacer(preset: Preset, weights: Path | None = None, device: str = 'cpu',
                       people: HeldOutPeople | None = None) -> LatentRagReplacer:
    """Return Latent-RAG with the deployment's networks and a store of the attacker's people.

    A preset that predicts codes does so here as well: with the deployment's own predictor, which
    knows that store but asks for nothing of it.

    Parameters
    ----------
    preset : Preset
        Settings of the method under attack.
    weights : Path, optional
        Folder with embedder, encoder and generator; None takes the shipped ones.
    device : str
        `cpu` or `cuda:N`.
    people : HeldOutPeople, optional
        Who is in the store; None renders people of `STORE_SEED`.

    Raises
    ------
    WeightsError, EvaluationError
        Weights or the renderer are missing, or the predictor belongs to other networks.
    """
    people = people or attackers_people(seed=STORE_SEED)
    embedder = load_embedder(weights_file(EMBEDDER_FILE, weights), device)
    encoder = load_encoder(weights_file('encoder.safetensors', weights), device)
    generator = load_generator(weights_file(GENERATOR_FILE, weights), device)
    batches = ((to_crops(people.images[start:start + 64]),
                torch.from_numpy(people.labels.identities[start:start + 64]))
               for start in range(0, len(people), 64))
    store = build_store(batches, embedder.embed, encoder, {}, device)
    return LatentRagReplacer(embedder, generator, store, preset, device,
                             predictor=_predictor(preset, weights, device), seed=STORE_SEED)


def _predictor(preset: Preset, weights: Path | None, device: str) -> CodePredictor | None:
    """Return the deployment's code predictor where preset and weights have one."""
    if not preset.looks or not has_code_predictor(weights or WEIGHTS_DIRECTORY):
        return None
    networks = {name: sha256_of(weights_file(name, weights))
                for name in (EMBEDDER_FILE, GENERATOR_FILE)}
    return load_code_predictor(weights_file(PREDICTOR_FILE, weights), networks, device)


class SurrogateStoreRecoverer(Recoverer):
    """Trains on pairs made with a surrogate of the method, and looks pictures up among them.

    Parameters
    ----------
    lookup : EmbeddingNetwork
        What finds similar protected pictures.
    surrogate : Callable, optional
        The method with the attacker's own store. None: the method has no store, and the given
        pairs are what the attacker would make itself.
    device : str
        `cpu` or `cuda:N`.
    """

    def __init__(self, lookup: EmbeddingNetwork, surrogate: Protect | None = None,
                 device: str = 'cpu') -> None:
        super().__init__('surrogate_store', lambda _: UNet(6), psnr_loss, device)
        self._lookup, self._surrogate = lookup, surrogate

    def own_pairs(self, pairs: AttackPairs, validation: AttackPairs,
                  directory: Path) -> tuple[AttackPairs, AttackPairs]:
        """Return originals of the given pairs, protected by the surrogate; kept in a file."""
        if self._surrogate is None:
            return pairs, validation
        parts = [chosen_pairs(pairs, np.arange(len(pairs))[:OWN_PAIRS_MAX]),
                 chosen_pairs(validation, np.arange(len(validation))[:VALIDATION_PICTURES])]
        originals, identities, cameras = (
            np.concatenate([getattr(part, name) for part in parts])
            for name in ('originals', 'identities', 'cameras'))
        # the given pairs are part of the key: they tell which method and which weights
        key = fingerprint(Budget(0, 0), originals, *(part.protected for part in parts))
        protected = _kept(directory / f'surrogate-{key}.npy', lambda: self._surrogate(
            HeldOutPeople(originals, Labels(identities, cameras))))
        own = AttackPairs(protected, originals, identities, cameras)
        rows = np.arange(len(own))
        return (chosen_pairs(own, rows[:len(parts[0])]), chosen_pairs(own, rows[len(parts[0]):]))

    def learn(self, pairs: AttackPairs) -> None:
        """Remember what the pictures of the pairs look like to the lookup network."""
        self._features = embed_images(self._lookup, pairs.protected, self.device)
        self._pairs = pairs

    def evidence(self, protected: Images,
                 identities: NDArray[np.int64] | None = None) -> Evidence:
        """Return every picture and the mean original of those that look most like it protected.

        Pictures of the same person are left out: the attacker has none of those it attacks.
        """
        similarity = embed_images(self._lookup, protected, self.device) @ self._features.T
        if identities is not None:
            similarity[identities[:, None] == self._pairs.identities[None]] = -np.inf
        nearest = np.argsort(-similarity, axis=1, kind='stable')[:, :NEIGHBOURS]
        means = [self._pairs.originals[rows].mean(axis=0).round().astype(np.uint8)
                 for rows in nearest]
        return Evidence(np.concatenate([protected, np.stack(means)], axis=-1))


def _kept(path: Path, make: Callable[[], Images]) -> Images:
    """Return the pictures of a file, made and written when it is not there."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix('.temporary')
        with temporary.open('wb') as file:
            np.save(file, make())
        temporary.replace(path)
    return np.load(path)
