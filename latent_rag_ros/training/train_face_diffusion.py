"""Train the teacher, a latent diffusion under both codes, and distil it to one to four steps."""
from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from latent_rag_ros.identity_decoupling.consistency import distillation_loss
from latent_rag_ros.identity_decoupling.diffusion import (
    GUIDANCE, STEPS, Denoiser, guided, levels, noised)
from latent_rag_ros.identity_decoupling.encoder import AttributeEncoder, divergence
from latent_rag_ros.identity_decoupling.encoder import drawn as drawn_from
from latent_rag_ros.identity_decoupling.unet import FaceUNet
from latent_rag_ros.training.encoded_faces import EncodedFaces
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
    dropped_share: float = 0.15
    divergence_weight: float = 0.01
    guidance: float = GUIDANCE
    average_decay: float = 0.95
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
            found = self.networks['unet'].velocity(
                noised(latents, times, noise), times, drawn.identity, drawn_from(*law), dropped)
        weight = 1 + DETAIL_WEIGHT * drawn.detail
        velocity = (weight * (found - (signal * noise - amount * latents)).square()).mean()
        spread = divergence(*law)
        self.optimiser.zero_grad()
        (velocity + self.settings.divergence_weight * spread).backward()
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self.optimiser.step()
        return {'velocity': float(velocity.detach()), 'divergence': float(spread.detach())}


class StudentTraining:
    """One distillation; parameters as in `TeacherTraining`, and the frozen teacher."""

    def __init__(self, faces: EncodedFaces, encoder: AttributeEncoder, teacher: FaceUNet,
                 settings: FaceDiffusionSettings, directory: Path, device: str = 'cpu') -> None:
        torch.manual_seed(settings.seed + 1)
        self.faces, self.settings = faces, settings
        self._attributes = encoder.to(device).eval().requires_grad_(False)
        self.teacher = teacher.to(device).eval().requires_grad_(False)
        self.unet = FaceUNet().to(device)
        self.unet.load_state_dict(teacher.state_dict())
        self.unet.requires_grad_(True)
        self.optimiser = torch.optim.AdamW(self.unet.parameters(), betas=(0.9, 0.99),
                                           weight_decay=0.0)
        self.trainer = Trainer(
            {'unet': self.unet}, {'unet': self.optimiser},
            Schedule(settings.student_iterations, settings.student_learning_rate,
                     average_decay=settings.average_decay, seed=settings.seed + 1),
            directory, 'face_student')

    def run(self) -> nn.Module:
        """Return the averaged student."""
        return self.trainer.run(self.step)['unet']

    def step(self, iteration: int, random: np.random.Generator) -> dict[str, float]:
        """Take one step of the distillation."""
        drawn = self.faces.drawn(random, self.settings.batch)
        conditions = drawn.identity, self._attributes(drawn.counterparts)[0]

        def of(unet: nn.Module) -> Denoiser:
            """Return a network as denoiser of this batch."""
            return lambda noisy, times: unet(noisy, times, *conditions)

        def teacher(noisy: Tensor, times: Tensor) -> Tensor:
            """Return the guided prediction of the teacher for this batch."""
            return guided(lambda values, at, dropped: self.teacher(
                values, at, *conditions, dropped), noisy, times, self.settings.guidance)
        with mixed_precision(drawn.latents.device, self.settings.bfloat16):
            loss = distillation_loss(of(self.unet), of(self.trainer.averages['unet']), teacher,
                                     drawn.latents)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.unet.parameters(), 1.0)
        self.optimiser.step()
        return {'consistency': float(loss.detach())}
