"""Train the teacher: a latent diffusion under both codes."""
from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from latent_rag_ros.identity_decoupling.diffusion import GUIDANCE, STEPS, levels, noised
from latent_rag_ros.identity_decoupling.encoder import AttributeEncoder, divergence
from latent_rag_ros.identity_decoupling.encoder import drawn as drawn_from
from latent_rag_ros.identity_decoupling.face_size import MAP_SIDE
from latent_rag_ros.identity_decoupling.unet import FaceUNet
from latent_rag_ros.training.encoded_faces import EncodedFaces, noised_conditions
from latent_rag_ros.training.face_losses import DETAIL_WEIGHT
from latent_rag_ros.training.precision import mixed_precision
from latent_rag_ros.training.trainer import Schedule, Trainer


@dataclass(frozen=True)
class FaceDiffusionSettings:
    """Settings of teacher and student; they go into the weights' metadata."""

    iterations: int = 40000
    student_iterations: int = 10000
    batch: int = 48
    learning_rate: float = 5e-4
    student_learning_rate: float = 1e-4
    seed: int = 23
    dropped_share: float = 0.05
    divergence_weight: float = 0.002
    guidance: float = GUIDANCE
    average_decay: float = 0.95
    picture_weight: float = 3.0
    matching_weight: float = 10.0
    adversarial_weight: float = 0.3
    own_share: float = 0.5
    attribute_noise_max: float = 8.0
    bfloat16: bool = True


class TeacherTraining:
    """One training of the teacher, in which the attributes go on learning what it can use.

    Parameters
    ----------
    faces : EncodedFaces
    encoder : AttributeEncoder
        Where the training of the encoder left it; a copy is trained.
    settings : FaceDiffusionSettings
    directory : Path
        Where checkpoint and log go.
    device : str
        `cpu` or `cuda:N`, that of the encoded faces.
    """

    def __init__(self, faces: EncodedFaces, encoder: AttributeEncoder,
                 settings: FaceDiffusionSettings, directory: Path, device: str = 'cpu') -> None:
        torch.manual_seed(settings.seed)
        self.faces, self.settings = faces, settings
        self.networks = {'unet': FaceUNet().to(device),
                         'attributes': deepcopy(encoder).to(device).train().requires_grad_(True)}
        self._parameters = [parameter for network in self.networks.values()
                            for parameter in network.parameters()]
        self.optimiser = torch.optim.AdamW(self._parameters, betas=(0.9, 0.99), weight_decay=1e-4)
        self.trainer = Trainer(
            self.networks, {'both': self.optimiser},
            Schedule(settings.iterations, settings.learning_rate, seed=settings.seed),
            directory, 'face_teacher')

    def run(self) -> dict[str, nn.Module]:
        """Return the averaged `unet` and its `attributes` encoder."""
        return self.trainer.run(self.step)

    def step(self, iteration: int, random: np.random.Generator) -> dict[str, float]:
        """Take one step of L = E w || v - v_theta ||^2 + KL, which weighs the noise by 1 / a_t^2.

        w is 1, and up to 5 around eyes and mouth, see `face_losses.picture_loss`. Noisy times are
        drawn more often: there a face has to come from its conditions, and few steps begin there.
        """
        drawn = self.faces.drawn(random, self.settings.batch)
        latents = drawn.latents
        times = (STEPS * torch.rand(len(latents), device=latents.device).sqrt()).long()
        times = times.clamp_max(STEPS - 1)
        dropped = torch.rand(len(latents), device=latents.device) < self.settings.dropped_share
        noise = torch.randn_like(latents)
        signal, amount = levels(times, latents)
        with mixed_precision(latents.device, self.settings.bfloat16):
            law = self.networks['attributes'](drawn.counterparts)
            conditions = noised_conditions(drawn_from(*law), drawn.structure,
                                           self.settings.attribute_noise_max)
            found = self.networks['unet'].velocity(
                noised(latents, times, noise), times, drawn.identity, conditions, dropped)
        weight = 1 + DETAIL_WEIGHT * functional.adaptive_avg_pool2d(drawn.detail, MAP_SIDE)
        velocity = (weight * (found - (signal * noise - amount * latents)).square()).mean()
        spread = divergence(*law)
        self.optimiser.zero_grad()
        (velocity + self.settings.divergence_weight * spread).backward()
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self.optimiser.step()
        return {'velocity': float(velocity.detach()), 'divergence': float(spread.detach())}
