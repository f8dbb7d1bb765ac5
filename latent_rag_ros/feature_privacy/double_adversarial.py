"""The double adversarial training: extractor against reversal, reversal against discriminator.

    L_F = L_reid + l_priv E max(0, 1 - d(G(F(x), z), y) / d(G(F(x'), z), y)),   x' a stranger

Two steps in turn: (1) the extractor F learns against the frozen generator it sees, (2) the
reversal module learns on features of the frozen extractor, as lazily as `lazy_update` says.
Before that the reversal module warms up on the extractor as it starts. Of F = P(E(x)) only the
head P learns, from where `head_start` puts it; y are pictures, see `reversal_module`.

The reversal module of this training is thrown away. It must never serve as the attacker in a
figure: features that were only turned fool it (`evaluation.feature_figures` trains its own).
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from latent_rag_ros.feature_privacy.head_start import started_head
from latent_rag_ros.feature_privacy.labelled_features import LabelledFeatures, mean_directions
from latent_rag_ros.feature_privacy.lazy_update import LazyUpdate, frozen
from latent_rag_ros.feature_privacy.privacy_margin import privacy_loss, stranger_shifts
from latent_rag_ros.feature_privacy.protection_head import BOTTLENECK, ProtectionHead
from latent_rag_ros.feature_privacy.reversal_module import (
    ReversalModule, best_linear_map, conditions)
from latent_rag_ros.feature_privacy.row_names import RUN_NAMES
from latent_rag_ros.feature_privacy.settings import ProtectionSettings
from latent_rag_ros.training.identity_sampler import IdentitySampler
from latent_rag_ros.training.train_embedder import CosineClassifier, triplet_loss
from latent_rag_ros.training.trainer import Schedule, Trainer


class DoubleAdversarialTraining:
    """One training of a protection head.

    Parameters
    ----------
    people : LabelledFeatures
        Plain features to learn from.
    settings : ProtectionSettings
    directory : Path
        Where checkpoint and log go.
    """

    def __init__(self, people: LabelledFeatures, settings: ProtectionSettings,
                 directory: Path) -> None:
        torch.manual_seed(settings.seed)
        self.people, self.settings, self.device = people, settings, people.features.device
        self.sampler = IdentitySampler(
            people.identities, settings.identities_per_batch, settings.crops_per_batch_identity,
            settings.anchors_per_batch)
        self.head = started_head(people, settings)
        self.classifier = CosineClassifier(
            BOTTLENECK, self.sampler.identities, settings.cosine_scale,
            settings.cosine_margin).to(self.device)
        self.classifier.directions.data.copy_(mean_directions(
            self._protected(np.arange(len(people.features))), self.sampler.labels))
        self.optimiser = torch.optim.AdamW(
            [*self.head.parameters(), *self.classifier.parameters()],
            weight_decay=settings.weight_decay)
        self.reversal = ReversalModule(
            BOTTLENECK, people.pictures.std(0) + 1e-6, settings.reversal, self.device,
            settings.reversal.learning_rate / settings.learning_rate)
        self.lazy = LazyUpdate(self.reversal.generator, settings.lazy_reading,
                               settings.lazy_every, settings.slow_decay)
        self.trainer = Trainer(
            {'head': self.head, 'classifier': self.classifier, **self.reversal.networks,
             **self.lazy.networks},
            {'head': self.optimiser, **self.reversal.optimisers},
            Schedule(settings.iterations, settings.learning_rate, average_decay=0.995,
                     seed=settings.seed), directory, RUN_NAMES[settings.reversal.kind])

    def run(self) -> ProtectionHead:
        """Return the averaged head."""
        return self.trainer.run(self.step)['head']

    def step(self, iteration: int, random: np.random.Generator) -> dict[str, float]:
        """Take one step of the warm-up, or both steps of the schedule; returns the losses."""
        if iteration % self.settings.linear_every == 0:
            self._renew_linear_map(random)
        step = iteration - self.settings.warm_up_iterations
        if step < 0:
            losses = self._train_reversal(random)
            self.lazy.synchronise()
            return losses
        losses = self._train_extractor(step, random)
        if self.lazy.reversal_learns(step):
            losses |= self._train_reversal(random)
        self.lazy.after_step(step)
        return losses

    def _train_extractor(self, step: int, random: np.random.Generator) -> dict[str, float]:
        """Take step 1 and return its losses."""
        settings = self.settings
        rows = self.sampler.rows(random, self.classifier.directions.detach())
        labels = torch.from_numpy(self.sampler.labels[rows]).to(self.device)
        plain = self.people.features[torch.from_numpy(rows).to(self.device)]
        noise = settings.feature_noise * torch.randn(plain.shape).to(plain)
        features = self.head(plain + noise)
        identity = functional.cross_entropy(self.classifier(features, labels), labels,
                                            label_smoothing=settings.label_smoothing)
        triplet = triplet_loss(features, labels, settings.triplet_margin)
        privacy = self.privacy_loss(conditions(features), self._pictures(rows))
        self.optimiser.zero_grad()
        (identity + triplet + settings.weight(step) * privacy).backward()
        self.optimiser.step()
        return {'identity': identity.item(), 'triplet': triplet.item(), 'privacy': privacy.item()}

    def privacy_loss(self, features: Tensor, pictures: Tensor) -> Tensor:
        """Return the bounded privacy loss against the generator that F sees, a scalar in 0..1.

        Parameters
        ----------
        features : Tensor
            Shape (n, d), of length sqrt(d), sorted by person; gradients flow to them.
        pictures : Tensor
            Shape (n, k).
        """
        with frozen(self.lazy.seen) as seen:
            drawn = self.reversal.drawn(features, seen)
        strangers = [self.reversal.error(drawn.roll(shift, 0), pictures) for shift in
                     stranger_shifts(len(drawn), self.settings.crops_per_batch_identity)]
        return privacy_loss(self.reversal.error(drawn, pictures), torch.stack(strangers).mean(0))

    def _train_reversal(self, random: np.random.Generator) -> dict[str, float]:
        """Take step 2 on the features of the frozen head and return its last losses."""
        losses = {}
        for _ in range(self.settings.reversal_steps):
            rows = self._drawn_rows(random, self.settings.reversal_batch)
            losses = self.reversal.update(self._protected(rows), self._pictures(rows))
        return losses

    def _renew_linear_map(self, random: np.random.Generator) -> None:
        """Let the reversal module go on from the best linear map: it shall never be far behind."""
        rows = self._drawn_rows(random, self.settings.linear_rows)
        self.reversal.start_from(best_linear_map(self._protected(rows), self._pictures(rows)))

    def _drawn_rows(self, random: np.random.Generator, count: int) -> np.ndarray:
        return random.choice(len(self.people.features), min(count, len(self.people.features)),
                             replace=False)

    @torch.no_grad()
    def _protected(self, rows: np.ndarray) -> Tensor:
        """Return what the head makes of rows now, shape (n, d), for the reversal module."""
        self.head.eval()
        features = conditions(self.head(self.people.features[rows]))
        self.head.train()
        return features

    def _pictures(self, rows: np.ndarray) -> Tensor:
        return self.people.pictures[rows]
