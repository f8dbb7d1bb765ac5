"""Distil the teacher to one to four steps, and sharpen what they draw.

The student learns the consistency of the teacher's paths, and beside it that its answers,
decoded, are the pictures they should be: in their pixels, in what a discriminator's layers see
(Wang et al., CVPR 2018), and by not being told from rendered faces (Sauer et al., "Adversarial
Diffusion Distillation", ECCV 2024). The decoder learns with it; the face VAE alone knows no sharp
edge. Attributes are noised by any amount up to a largest one, so that the filter can choose.

Some of the pictures that it improves are its own: the second of its steps never sees others.
"""
from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from latent_rag_ros.identity_decoupling.autoencoder import FaceAutoencoder
from latent_rag_ros.identity_decoupling.consistency import distillation_loss, sample_student
from latent_rag_ros.identity_decoupling.diffusion import Denoiser, guided
from latent_rag_ros.identity_decoupling.encoder import AttributeEncoder
from latent_rag_ros.identity_decoupling.unet import FaceUNet
from latent_rag_ros.training.discriminator import (
    Discriminator, adversarial_loss, discriminator_loss, matching_loss)
from latent_rag_ros.training.encoded_faces import (
    DrawnFaces, EncodedFaces, noised_conditions)
from latent_rag_ros.training.face_losses import picture_loss
from latent_rag_ros.training.precision import mixed_precision
from latent_rag_ros.training.train_face_diffusion import FaceDiffusionSettings
from latent_rag_ros.training.trainer import Schedule, Trainer

DISCRIMINATOR_RATE = 3.0
"""Its learning rate in that of the student: at the same one it told nothing apart."""


class StudentTraining:
    """One distillation.

    Parameters
    ----------
    faces : EncodedFaces
    encoder : AttributeEncoder
        That the teacher has learned with; frozen.
    teacher : FaceUNet
        Frozen.
    autoencoder : FaceAutoencoder
        Of `faces`; a copy of its decoder learns on, its encoder stays.
    settings : FaceDiffusionSettings
    directory : Path
        Where checkpoint and log go.
    device : str
        `cpu` or `cuda:N`, that of the encoded faces.
    """

    def __init__(self, faces: EncodedFaces, encoder: AttributeEncoder, teacher: FaceUNet,
                 autoencoder: FaceAutoencoder, settings: FaceDiffusionSettings, directory: Path,
                 device: str = 'cpu') -> None:
        torch.manual_seed(settings.seed + 1)
        self.faces, self.settings = faces, settings
        self._attributes = encoder.to(device).eval().requires_grad_(False)
        self.teacher = teacher.to(device).eval().requires_grad_(False)
        self.unet = deepcopy(self.teacher).requires_grad_(True)
        self.autoencoder = deepcopy(autoencoder).to(device).requires_grad_(True)
        self.autoencoder.encoder.requires_grad_(False)
        self.discriminator = Discriminator().to(device)
        self._parameters = [parameter for network in (self.unet, self.autoencoder)
                            for parameter in network.parameters() if parameter.requires_grad]
        self.optimisers = {
            'student': torch.optim.AdamW(self._parameters, betas=(0.5, 0.99), weight_decay=0.0),
            'discriminator': torch.optim.Adam(
                [{'params': [*self.discriminator.parameters()], 'scale': DISCRIMINATOR_RATE}],
                betas=(0.5, 0.99))}
        self.trainer = Trainer(
            {'unet': self.unet, 'autoencoder': self.autoencoder,
             'discriminator': self.discriminator}, self.optimisers,
            Schedule(settings.student_iterations, settings.student_learning_rate,
                     average_decay=settings.average_decay, seed=settings.seed + 1),
            directory, 'face_student')

    def run(self) -> dict[str, nn.Module]:
        """Return the averaged student, `unet`, and the `autoencoder` with its decoder."""
        return self.trainer.run(self.step)

    def step(self, iteration: int, random: np.random.Generator) -> dict[str, float]:
        """Take one step of both sides; returns the parts of the loss."""
        settings = self.settings
        drawn = self.faces.drawn(random, settings.batch)
        with mixed_precision(drawn.latents.device, settings.bfloat16):
            consistency, latents = self._distilled(drawn)
            found = self.autoencoder.decode(latents)
        parts = {'discriminator': self._train_discriminator(drawn.pictures, found.detach())}
        with mixed_precision(drawn.latents.device, settings.bfloat16):
            wanted, seen = (self.discriminator.maps(faces) for faces in (drawn.pictures, found))
        parts |= {'consistency': consistency, 'matching': matching_loss(wanted, seen),
                  'picture': picture_loss(found, drawn.pictures, drawn.detail),
                  'adversarial': adversarial_loss(seen[-1].float())}
        loss = (consistency + settings.picture_weight * parts['picture']
                + settings.matching_weight * parts['matching']
                + settings.adversarial_weight * parts['adversarial'])
        self._step('student', loss, self._parameters)
        return {name: float(value.detach()) for name, value in parts.items()}

    def _distilled(self, drawn: DrawnFaces) -> tuple[Tensor, Tensor]:
        """Return the loss of consistency and the latents that the student has drawn."""
        conditions = drawn.identity, noised_conditions(
            self._attributes(drawn.counterparts)[0], drawn.structure,
            self.settings.attribute_noise_max)

        def of(unet: nn.Module) -> Denoiser:
            """Return a network as denoiser of this batch."""
            return lambda noisy, times: unet(noisy, times, *conditions)

        def teacher(noisy: Tensor, times: Tensor) -> Tensor:
            """Return the guided prediction of the teacher for this batch."""
            return guided(lambda values, at, dropped: self.teacher(
                values, at, *conditions, dropped), noisy, times, self.settings.guidance)
        average = of(self.trainer.averages['unet'])
        own = sample_student(average, torch.randn_like(drawn.latents), 1)
        chosen = torch.rand(len(own), 1, 1, 1, device=own.device) < self.settings.own_share
        return distillation_loss(of(self.unet), average, teacher,
                                 torch.where(chosen, own, drawn.latents))

    def _train_discriminator(self, real: Tensor, synthetic: Tensor) -> Tensor:
        with mixed_precision(real.device, self.settings.bfloat16):
            logits = [self.discriminator(faces) for faces in (real, synthetic)]
        loss = discriminator_loss(*(values.float() for values in logits))
        self._step('discriminator', loss, list(self.discriminator.parameters()))
        return loss

    def _step(self, name: str, loss: Tensor, parameters: list[nn.Parameter]) -> None:
        optimiser = self.optimisers[name]
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
