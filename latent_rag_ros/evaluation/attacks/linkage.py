"""Linkage by an unauthorised network: it learns to recognise people in protected pictures.

It starts from a re-ID network of raw pictures, which any attacker has, or from nothing, and learns
from the pairs to give one person's raw and protected pictures the same feature.
"""
from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.evaluation.attacks.best_training import BestTraining, Task, fingerprint
from latent_rag_ros.evaluation.attacks.interface import AttackPairs, Budget
from latent_rag_ros.evaluation.embedding import embed_images, to_crops
from latent_rag_ros.training.augmentation import erase_blocks, jitter_box
from latent_rag_ros.training.train_embedder import CosineClassifier, triplet_loss
from latent_rag_ros.training.unseen_embedder import UnseenEmbedder

FEATURE_DIMENSION = 192
PEOPLE_PER_BATCH, PICTURES_EACH = 16, 2
"""People of a batch, and pairs of each; of every pair the raw and the protected picture."""

COSINE_SCALE, TRIPLET_MARGIN = 15.0, 0.3
ERASED_SHARE = 0.3
"""Share of the pictures of which a rectangle is overwritten, against learning by heart."""


class LinkageNetwork(nn.Module):
    """The embedder and the classifier that is thrown away afterwards."""

    def __init__(self, embedder: UnseenEmbedder, people: int) -> None:
        super().__init__()
        self.embedder = embedder
        self.classifier = CosineClassifier(FEATURE_DIMENSION, people, COSINE_SCALE, 0.0)

    def embed(self, crops: Tensor) -> Tensor:
        """Return features (n, 192), L2 norm 1, of crops (n, 3, 128, 64), RGB in 0..1."""
        return self.embedder.embed(crops)


class LinkageAttacker:
    """Finds raw pictures of people by protected ones; an `embedding.EmbeddingNetwork` after `fit`.

    Parameters
    ----------
    start : UnseenEmbedder, optional
        Network of raw pictures to start from; it is not changed. None starts from nothing.
    device : str
        `cpu` or `cuda:N`.
    """

    name = 'linkage'

    def __init__(self, start: UnseenEmbedder | None = None, device: str = 'cpu') -> None:
        self.device, self._start = device, start
        self._fitted: nn.Module | None = None
        self.validation_losses: list[float] = []
        """Learning curve of the last training, see `BestTraining`."""

    def fit(self, pairs: AttackPairs, validation: AttackPairs, budget: Budget,
            directory: Path) -> None:
        """Train on the pairs; `validation`, other people in several cameras, chooses."""
        torch.manual_seed(budget.seed)
        people, labels = np.unique(pairs.identities, return_inverse=True)
        embedder = UnseenEmbedder() if self._start is None else deepcopy(self._start)
        network = LinkageNetwork(embedder.requires_grad_(True), len(people)).to(self.device)
        rows_of = [np.flatnonzero(labels == label) for label in range(len(people))]

        def loss(network: nn.Module, chosen: np.ndarray) -> Tensor:
            """Return the loss of a batch of people, by their numbers."""
            # seeded by the trainer in every step, so that a resumed run draws the same
            random = np.random.default_rng(int(torch.randint(1 << 31, ())))
            rows = np.concatenate([random.choice(rows_of[label], PICTURES_EACH)
                                   for label in chosen])
            return self._loss(network, np.concatenate([pairs.protected[rows],
                                                       pairs.originals[rows]]),
                              np.concatenate([labels[rows], labels[rows]]))

        task = Task(len(people), loss, lambda network: self._retrieval_loss(network, validation),
                    batch=PEOPLE_PER_BATCH, learning_rate=1e-3)
        name = f'linkage-{fingerprint(budget, pairs.protected, pairs.originals)}'
        training = BestTraining(network, task, budget, directory, name)
        self._fitted, self.validation_losses = training.run(), training.validation_losses

    def embed(self, crops: Tensor) -> Tensor:
        """Return features (n, 192), L2 norm 1; raises `RuntimeError` before `fit`."""
        if self._fitted is None:
            raise RuntimeError('linkage has not been trained; call fit first')
        return self._fitted.embed(crops)

    def _loss(self, network: nn.Module, pictures: np.ndarray, labels: np.ndarray) -> Tensor:
        crops = jitter_box(to_crops(pictures, self.device))
        erase_blocks(crops, ERASED_SHARE)
        wanted = torch.from_numpy(labels).to(self.device)
        with torch.autocast(crops.device.type, torch.bfloat16):
            before_neck = network.embedder.before_neck(network.embedder.feature_maps(crops)[-1])
            features = network.embedder.neck(before_neck)
        identity = functional.cross_entropy(network.classifier(features.float(), wanted), wanted,
                                            label_smoothing=0.1)
        return identity + triplet_loss(before_neck.float(), wanted, TRIPLET_MARGIN)

    def _retrieval_loss(self, network: nn.Module, pairs: AttackPairs) -> float:
        """Return how surely raw pictures of other cameras are found by protected ones.

        That is -log of the share of the same person in the softmax over the gallery. With the few
        people of a validation the mAP is often 1 and could not choose.
        """
        protected, raw = (embed_images(network, images, self.device).astype(np.float64)
                          for images in (pairs.protected, pairs.originals))
        same = pairs.identities[:, None] == pairs.identities[None]
        kept = ~(same & (pairs.cameras[:, None] == pairs.cameras[None]))
        weights = np.exp(COSINE_SCALE * (protected @ raw.T)) * kept
        asked = (weights * same).sum(1) > 0
        share = (weights * same).sum(1)[asked] / weights.sum(1)[asked]
        return float(-np.log(share).mean()) if asked.any() else 0.0
