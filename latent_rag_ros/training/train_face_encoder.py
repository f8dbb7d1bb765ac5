"""Train the disentangled encoder: who somebody is here, everything else there, and no overlap.

Loss: reconstruction from the identity of another picture of the same person and the attributes of
the same scene with another head (so that neither holds what the other is for), in the shape of
that other head (so that the place of eyes and mouth is an attribute), KL of both,
classification of the identity code by cosine (Wang et al., "CosFace", CVPR 2018), CLUB between
identity and pooled attributes, and the gradient independence term. CLUB's own network learns in
alternation, by maximum likelihood.

Afterwards the attributes are squeezed: their KL weighs more, so that they keep only what the
identity code does not say already. Pictures of a folder have no counterpart with another head;
a map of 16 x 16 cells can hold the whole face then, and another identity changes little.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.identity_decoupling.club import Club
from latent_rag_ros.identity_decoupling.encoder import (
    ATTRIBUTE_CHANNELS, IDENTITY_DIMENSION, CodeDecoder, DisentangledEncoder, FaceCodes, pooled)
from latent_rag_ros.identity_decoupling.independence import gradient_dependence
from latent_rag_ros.training.face_batches import FaceBatch, FaceBatches
from latent_rag_ros.training.face_losses import picture_loss
from latent_rag_ros.training.faces import Faces
from latent_rag_ros.training.precision import mixed_precision
from latent_rag_ros.training.trainer import Schedule, Trainer

POOLED = 4 * ATTRIBUTE_CHANNELS
SQUEEZE_SEED = 100


@dataclass(frozen=True)
class FaceEncoderSettings:
    """Settings of one run; they go into the weights' metadata."""

    iterations: int = 20000
    squeeze_iterations: int = 8000
    people: int = 16
    pictures: int = 4
    learning_rate: float = 1e-3
    squeeze_learning_rate: float = 5e-4
    seed: int = 21
    cosine_scale: float = 20.0
    cosine_margin: float = 0.1
    picture_weight: float = 3.0
    identity_weight: float = 1.0
    divergence_weight: float = 5e-3
    squeezed_divergence_weight: float = 0.1
    information_weight: float = 0.02
    dependence_weight: float = 0.05
    dependence_every: int = 8
    bfloat16: bool = True


class CosineClassifier(nn.Module):
    """Scores (n, people) of identity directions (n, 256): cosines with one direction each."""

    def __init__(self, people: int) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.randn(people, IDENTITY_DIMENSION))

    def forward(self, identity: Tensor) -> Tensor:
        """Return cosines."""
        return identity @ functional.normalize(self.directions, dim=1).t()


class FaceEncoderTraining:
    """One training of the encoder; what else it needs is thrown away at the end.

    Parameters
    ----------
    faces : Faces
    settings : FaceEncoderSettings
    directory : Path
        Where checkpoint and log go.
    device : str
        `cpu` or `cuda:N`.
    """

    def __init__(self, faces: Faces, settings: FaceEncoderSettings, directory: Path,
                 device: str = 'cpu') -> None:
        torch.manual_seed(settings.seed)
        self.faces, self.settings, self.device = faces, settings, torch.device(device)
        self.encoder, self.decoder = DisentangledEncoder(), CodeDecoder()
        self.classifier = CosineClassifier(faces.people)
        self.club = Club(IDENTITY_DIMENSION, POOLED)
        self._networks = {'encoder': self.encoder, 'decoder': self.decoder,
                          'classifier': self.classifier, 'club': self.club}
        for network in self._networks.values():
            network.to(self.device)
        self._parameters = [parameter for name in ('encoder', 'decoder', 'classifier')
                            for parameter in self._networks[name].parameters()]
        self._directory, self._attribute_weight = directory, settings.divergence_weight
        self._batches = FaceBatches(faces, settings.people, settings.pictures)

    def run(self) -> nn.Module:
        """Return the averaged encoder, after both parts of the training."""
        settings = self.settings
        averages = self._trainer('face_encoder', Schedule(
            settings.iterations, settings.learning_rate, seed=settings.seed)).run(self.step)
        for name, network in self._networks.items():
            network.load_state_dict(averages[name].state_dict())
        self._attribute_weight = settings.squeezed_divergence_weight
        return self._trainer('face_encoder_squeezed', Schedule(
            settings.squeeze_iterations, settings.squeeze_learning_rate,
            seed=settings.seed + SQUEEZE_SEED)).run(self.step)['encoder']

    def _trainer(self, name: str, schedule: Schedule) -> Trainer:
        self.optimisers = {
            'codes': torch.optim.AdamW(self._parameters, betas=(0.9, 0.98), weight_decay=1e-4),
            'club': torch.optim.AdamW(self.club.parameters(), weight_decay=1e-4)}
        return Trainer(self._networks, self.optimisers, schedule, self._directory, name)

    def step(self, iteration: int, random: np.random.Generator) -> dict[str, float]:
        """Take one step of both sides; returns the parts of the loss."""
        batch = self._batches.drawn(random)
        others = batch.rows[batch.same_scene]
        pictures, wanted, detail, labels = (values.to(self.device) for values in (
            self.faces.tensor(batch.rows, batch.mirrored),
            self.faces.reshaped(batch.rows, others, batch.mirrored),
            self.faces.detail(others, batch.mirrored),
            torch.from_numpy(self.faces.identities[batch.rows])))
        with mixed_precision(self.device, self.settings.bfloat16):
            codes = self.encoder(pictures)
            redrawn = self._redrawn(codes, batch)
            dependence = self._dependence(codes, iteration)
        club = self._train_club(codes)
        parts = self._parts(codes, labels) | dependence
        parts['picture'] = picture_loss(redrawn, wanted, detail)
        weights = asdict(self.settings) | {'attribute_divergence_weight': self._attribute_weight}
        loss = sum(weights[f'{name}_weight'] * value for name, value in parts.items())
        optimiser = self.optimisers['codes']
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        optimiser.step()
        return {'club': club} | {name: float(value.detach()) for name, value in parts.items()}

    def _redrawn(self, codes: FaceCodes, batch: FaceBatch) -> Tensor:
        """Return every face from its person and from its scene, both seen in other pictures."""
        identity, attributes = codes.sampled()
        return self.decoder(identity[torch.from_numpy(batch.same_person)],
                            attributes[torch.from_numpy(batch.same_scene)])

    def _dependence(self, codes: FaceCodes, iteration: int) -> dict[str, Tensor]:
        """Return the independence term, or nothing at an iteration that leaves it out."""
        if iteration % self.settings.dependence_every:
            return {}
        return {'dependence': gradient_dependence(lambda faces: self.encoder.attributes(faces)[0],
                                                  self.decoder, codes.direction,
                                                  codes.attributes)}

    def _parts(self, codes: FaceCodes, labels: Tensor) -> dict[str, Tensor]:
        settings = self.settings
        cosines = self.classifier(codes.direction)
        margin = settings.cosine_margin * functional.one_hot(labels, self.faces.people)
        identity_divergence, attribute_divergence = codes.divergence()
        return {
            'identity': functional.cross_entropy(settings.cosine_scale * (cosines - margin),
                                                 labels),
            'divergence': identity_divergence, 'attribute_divergence': attribute_divergence,
            'information': self.club(codes.direction, pooled(codes.attributes)).clamp_min(0)}

    def _train_club(self, codes: FaceCodes) -> float:
        loss = self.club.negative_log_likelihood(codes.direction.detach(),
                                                 pooled(codes.attributes).detach())
        optimiser = self.optimisers['club']
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return float(loss.detach())
