"""The double adversarial training: extractor against reversal, reversal against discriminator.

    L_F = L_reid + l_priv E max(0, 1 - d(G(F(x), z), x) / d(G(F(x'), z), x)),   x' a stranger

Two steps in turn: (1) the extractor F learns against the frozen generator it sees, (2) the
reversal module learns on features of the frozen extractor, as lazily as `lazy_update` says.
Before that the reversal module warms up on the plain extractor, from which F starts. Of
F = P(E(x)) only the head P learns, see `protection_head`.

The reversal module of this training is thrown away. It must never serve as the attacker in a
figure: features that were only turned fool it (`evaluation.feature_figures` trains its own).
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from latent_rag_ros.feature_privacy.lazy_update import LazyUpdate, frozen
from latent_rag_ros.feature_privacy.privacy_margin import privacy_loss, stranger_shifts
from latent_rag_ros.feature_privacy.protection_head import ProtectionHead
from latent_rag_ros.feature_privacy.reversal_generator import conditions
from latent_rag_ros.feature_privacy.reversal_module import ReversalModule
from latent_rag_ros.feature_privacy.row_names import RUN_NAMES
from latent_rag_ros.feature_privacy.settings import ProtectionSettings
from latent_rag_ros.identity.embedder import FEATURE_DIMENSION, load_embedder
from latent_rag_ros.training.crops import Crops
from latent_rag_ros.training.train_embedder import EmbedderTraining
from latent_rag_ros.training.trainer import Schedule, Trainer


class DoubleAdversarialTraining:
    """One training of a protection head.

    Parameters
    ----------
    crops : Crops
        Rendered people with masks, at least four crops of each identity.
    embedder : Path
        File of the plain extractor E.
    settings : ProtectionSettings
    directory : Path
        Where checkpoint and log go.
    device : str
        `cpu` or `cuda:N`.
    """

    def __init__(self, crops: Crops, embedder: Path, settings: ProtectionSettings,
                 directory: Path, device: str = 'cpu') -> None:
        self.crops, self.settings, self.device = crops, settings, torch.device(device)
        self.reid = EmbedderTraining(crops, settings.embedder, directory, device, embedder)
        self.reid.network.eval().requires_grad_(False)
        self.head = ProtectionHead().to(self.device)
        self.optimiser = torch.optim.AdamW(
            [*self.head.parameters(), *self.reid.classifier.parameters()],
            weight_decay=settings.embedder.weight_decay)
        share = settings.reversal.learning_rate / settings.embedder.learning_rate
        self.reversal = ReversalModule(FEATURE_DIMENSION, settings.reversal,
                                       load_embedder(embedder, device), self.device, share)
        self.lazy = LazyUpdate(self.reversal.generator, settings.lazy_reading,
                               settings.lazy_every, settings.slow_decay)
        schedule = Schedule(settings.embedder.iterations, settings.embedder.learning_rate,
                            average_decay=0.995, seed=settings.embedder.seed)
        self.trainer = Trainer(
            {'head': self.head, 'classifier': self.reid.classifier,
             **self.reversal.networks, **self.lazy.networks},
            {'head': self.optimiser, **self.reversal.optimisers}, schedule, directory,
            RUN_NAMES[settings.reversal.kind])

    def run(self) -> ProtectionHead:
        """Return the averaged head."""
        return self.trainer.run(self.step)['head']

    def step(self, iteration: int, random: np.random.Generator) -> dict[str, float]:
        """Take one step of the warm-up, or both steps of the schedule; returns the losses."""
        rows, labels, batch = self.reid.draw(iteration, random)
        crops = self.crops.tensor(rows).to(self.device)
        person = self.crops.mask(rows).to(self.device)
        step = iteration - self.settings.warm_up_iterations
        if step < 0:
            with torch.no_grad():
                features = self.head(self._plain(crops))
            losses = self.reversal.update(conditions(features), crops, person)
            self.lazy.synchronise()
            return losses
        features, losses = self._train_extractor(step, labels, batch, crops, person)
        if self.lazy.reversal_learns(step):
            for _ in range(self.settings.reversal_steps):
                losses |= self.reversal.update(features, crops, person)
        self.lazy.after_step(step)
        return losses

    def _train_extractor(self, step: int, labels: Tensor, batch: Tensor, crops: Tensor,
                         person: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Take step 1; returns the detached features of `crops` and the losses."""
        count = len(batch)
        before_neck = self.head.before_neck(self._plain(torch.cat([batch, crops])))
        features = self.head.neck(before_neck)
        identity, triplet = self.reid.losses(before_neck[:count], features[:count], labels)
        conditioned = conditions(features[count:])
        privacy = self.privacy_loss(conditioned, crops, person)
        self.optimiser.zero_grad()
        (identity + triplet + self.settings.weight(step) * privacy).backward()
        self.optimiser.step()
        return conditioned.detach(), {'identity': identity.item(), 'triplet': triplet.item(),
                                      'privacy': privacy.item()}

    def privacy_loss(self, features: Tensor, crops: Tensor, person: Tensor) -> Tensor:
        """Return the bounded privacy loss against the generator that F sees, a scalar in 0..1.

        Parameters
        ----------
        features : Tensor
            Shape (n, d), of length sqrt(d), sorted by person; gradients flow to them.
        crops : Tensor
            Shape (n, 3, 128, 64), RGB in 0..1.
        person : Tensor
            Shape (n, 1, 128, 64), 1 on the person.
        """
        distance = self.reversal.distance
        with frozen(self.lazy.seen) as seen:
            drawn = distance.look(self.reversal.pictures(features, seen))
        with torch.no_grad():
            wanted = distance.look(crops)
            strangers = [distance.between(drawn.rolled(shift), wanted, person)
                         for shift in stranger_shifts(
                             len(crops), self.settings.embedder.crops_per_identity)]
        return privacy_loss(distance.between(drawn, wanted, person),
                            torch.stack(strangers).mean(0))

    @torch.no_grad()
    def _plain(self, crops: Tensor) -> Tensor:
        """Return the features of the frozen embedder, shape (n, d)."""
        with torch.autocast(self.device.type, torch.bfloat16):
            return self.reid.network.embed(crops)
