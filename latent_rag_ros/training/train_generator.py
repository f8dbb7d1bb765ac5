"""Train encoder and generator together as an autoencoder over rendered people.

Loss: L1 of pixels and of a 4 x 4 pooled image, L1 of the embedder's feature maps (the perceptual
term), identity cosine, a small penalty on the code's distance from the average code, and towards
the end an adversarial term. Codes are noised so that the space between them decodes to people too.
"""
from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.identity.embedder import Embedder, load_embedder
from latent_rag_ros.latent_rag.encoder import Encoder
from latent_rag_ros.latent_rag.generator import Generator
from latent_rag_ros.training.crops import Crops
from latent_rag_ros.training.discriminator import (
    Discriminator, adversarial_loss, discriminator_loss)
from latent_rag_ros.training.trainer import Schedule, Trainer
from latent_rag_ros.weights.tensors import save_tensors


@dataclass(frozen=True)
class GeneratorSettings:
    """Settings of one run; they go into the weights' metadata."""

    iterations: int = 12700
    batch: int = 24
    learning_rate: float = 2.5e-3
    seed: int = 5
    code_noise: float = 0.08
    pixel_weight: float = 1.5
    pooled_weight: float = 1.0
    feature_weight: float = 0.08
    identity_weight: float = 0.3
    offset_weight: float = 0.004
    adversarial_weight: float = 0.01
    adversarial_from_share: float = 0.7


def jittered(crops: Tensor) -> Tensor:
    """Flip half of the crops (n, 3, 128, 64) and change their colour and brightness a little."""
    count, device = len(crops), crops.device
    flipped = (torch.rand(count, device=device) < 0.5).view(-1, 1, 1, 1)
    crops = torch.where(flipped, crops.flip(3), crops)
    colour = 1 + (torch.rand(count, 3, 1, 1, device=device) - 0.5) * 0.2
    light = 1 + (torch.rand(count, 1, 1, 1, device=device) - 0.5) * 0.4
    return (crops * colour * light).clamp(0, 1).contiguous(memory_format=torch.channels_last)


def identity_losses(embedder: Embedder, images: Tensor, crops: Tensor) -> tuple[Tensor, Tensor]:
    """Relative L1 between the feature maps and 1 - cosine between the features, both scalars."""
    with torch.no_grad():
        wanted = embedder.feature_maps(crops)
        wanted_feature = embedder.neck(embedder.before_neck(wanted[-1])).float()
    maps = embedder.feature_maps(images)
    feature = embedder.neck(embedder.before_neck(maps[-1])).float()
    distance = sum((got.float() - want.float()).abs().mean() / (want.float().abs().mean() + 1e-3)
                   for got, want in zip(maps, wanted))
    return distance, 1 - functional.cosine_similarity(feature, wanted_feature).mean()


class GeneratorTraining:
    """One training of encoder, generator and discriminator.

    Parameters
    ----------
    crops : Crops
        Rendered people.
    embedder : Embedder
        The frozen network whose features the reconstruction has to keep.
    settings : GeneratorSettings
    directory : Path
        Where checkpoint and log go.
    device : str
        `cpu` or `cuda:N`.
    """

    def __init__(self, crops: Crops, embedder: Embedder, settings: GeneratorSettings,
                 directory: Path, device: str = 'cpu') -> None:
        torch.manual_seed(settings.seed)
        self.crops, self.settings, self.device = crops, settings, torch.device(device)
        layout = {'device': self.device, 'memory_format': torch.channels_last}
        self.embedder = embedder.to(**layout)
        self.encoder, self.generator = Encoder().to(**layout), Generator().to(**layout)
        self.discriminator = Discriminator().to(**layout)
        self._parameters = [*self.encoder.parameters(), *self.generator.parameters()]
        self.optimisers = {
            'autoencoder': torch.optim.Adam(self._parameters, betas=(0.9, 0.98)),
            'discriminator': torch.optim.Adam(
                [{'params': [*self.discriminator.parameters()], 'scale': 0.2}],
                betas=(0.0, 0.99))}
        self.trainer = Trainer(
            {'encoder': self.encoder, 'generator': self.generator,
             'discriminator': self.discriminator}, self.optimisers,
            Schedule(settings.iterations, settings.learning_rate, seed=settings.seed),
            directory, 'generator')

    def run(self) -> dict[str, nn.Module]:
        """Return the averaged `encoder` and `generator`."""
        averages = self.trainer.run(self.step)
        return {name: averages[name] for name in ('encoder', 'generator')}

    def step(self, iteration: int, random: np.random.Generator) -> dict[str, float]:
        """Take one step of both sides; returns the parts of the loss."""
        rows = random.integers(0, len(self.crops.images), self.settings.batch)
        crops = jittered(self.crops.tensor(rows).to(self.device))
        adversarial = iteration >= self.settings.adversarial_from_share * self.settings.iterations
        images, loss, parts = self.reconstruct(crops)
        if adversarial:
            parts['discriminator'] = self._train_discriminator(crops, images.detach())
            parts['adversarial'] = adversarial_loss(self._judged(images))
            loss = loss + self.settings.adversarial_weight * parts['adversarial']
        optimiser = self.optimisers['autoencoder']
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        optimiser.step()
        return {name: float(value.detach()) for name, value in parts.items()}

    def reconstruct(self, crops: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Return the images of the noised codes of crops, the loss, and its parts by name."""
        weights = self.settings
        with torch.autocast(self.device.type, torch.bfloat16):
            offsets = self.encoder.offsets(crops)
            codes = self.encoder.average_code + offsets
            codes = codes + weights.code_noise * torch.randn_like(codes)
            images = self.generator(codes).float()
            features, identity = identity_losses(self.embedder, images, crops)
        pooled = functional.avg_pool2d(images, 4) - functional.avg_pool2d(crops, 4)
        parts = {'pixels': (images - crops).abs().mean(), 'pooled': pooled.abs().mean(),
                 'features': features, 'identity': identity,
                 'offsets': offsets.float().square().mean()}
        loss = (weights.pixel_weight * parts['pixels'] + weights.pooled_weight * parts['pooled']
                + weights.feature_weight * features + weights.identity_weight * identity
                + weights.offset_weight * parts['offsets'])
        return images, loss, parts

    def _judged(self, images: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16):
            return self.discriminator(images).float()

    def _train_discriminator(self, real: Tensor, synthetic: Tensor) -> Tensor:
        loss = discriminator_loss(self._judged(real), self._judged(synthetic))
        optimiser = self.optimisers['discriminator']
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss


def train_generator(crops: Crops, embedder_file: Path, directory: Path,
                    settings: GeneratorSettings, device: str = 'cpu') -> None:
    """Train on `crops` and write `encoder.safetensors` and `generator.safetensors`.

    The embedder comes from `embedder_file`. Raises `WeightsError` when that is no embedder.
    """
    networks = GeneratorTraining(crops, load_embedder(embedder_file, device), settings,
                                 directory, device).run()
    metadata = json.dumps(asdict(settings) | {
        'identities': len(np.unique(crops.identities)), 'crops': len(crops.images)})
    for name, network in networks.items():
        save_tensors(directory / f'{name}.safetensors', network.cpu().state_dict(),
                     {'training': metadata})
