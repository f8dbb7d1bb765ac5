"""Train encoder and generator together as an autoencoder over rendered people.

Loss: L1 of pixels and of a 4 x 4 pooled image, L1 of the embedder's feature maps, identity
cosine, a small penalty on the code's distance from the average code; codes are noised so that
the space between them decodes to people too. Run
`python -m latent_rag_ros.training.train_generator --crops DIR --embedder FILE --out DIR`; an
interrupted run continues from its checkpoint.
"""
from __future__ import annotations

import argparse
import json
import logging
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.identity.embedder import Embedder, load_embedder
from latent_rag_ros.latent_rag.encoder import Encoder
from latent_rag_ros.latent_rag.generator import Generator
from latent_rag_ros.training.average import update_average
from latent_rag_ros.training.checkpoint import load_checkpoint, save_checkpoint
from latent_rag_ros.training.crops import Crops, load_crops
from latent_rag_ros.weights.tensors import save_tensors

LOGGER = logging.getLogger('train_generator')


@dataclass(frozen=True)
class Settings:
    """Settings of one run; they go into the weights' metadata."""

    seed: int = 5
    iterations: int = 5200
    batch: int = 24
    learning_rate: float = 2.5e-3
    warm_up_iterations: int = 50
    code_noise: float = 0.12
    pixel_weight: float = 1.5
    pooled_weight: float = 1.0
    feature_weight: float = 0.06
    identity_weight: float = 0.12
    offset_weight: float = 0.004
    average_decay: float = 0.998


def learning_rate(settings: Settings, iteration: int) -> float:
    """Linear warm-up, then half a cosine."""
    warm_up = min(1.0, (iteration + 1) / settings.warm_up_iterations)
    decay = 0.5 + 0.5 * math.cos(math.pi * iteration / settings.iterations)
    return settings.learning_rate * warm_up * decay + 2e-5


def jittered(crops: Tensor) -> Tensor:
    """Flip half of the crops (n, 3, 128, 64) and change their colour and brightness a little."""
    count = len(crops)
    flipped = (torch.rand(count) < 0.5).view(-1, 1, 1, 1)
    crops = torch.where(flipped, crops.flip(3), crops)
    colour = 1 + (torch.rand(count, 3, 1, 1) - 0.5) * 0.2
    light = 1 + (torch.rand(count, 1, 1, 1) - 0.5) * 0.4
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


def reconstruction_loss(parts: dict[str, nn.Module], embedder: Embedder, crops: Tensor,
                        settings: Settings) -> tuple[Tensor, float]:
    """Return the loss of one batch and its plain pixel L1."""
    with torch.autocast('cpu', torch.bfloat16):
        offsets = parts['encoder'].offsets(crops)
        codes = parts['encoder'].average_code + offsets
        codes = codes + settings.code_noise * torch.randn_like(codes)
        images = parts['generator'](codes).float()
        features, identity = identity_losses(embedder, images, crops)
    pixels = (images - crops).abs().mean()
    pooled = (functional.avg_pool2d(images, 4) - functional.avg_pool2d(crops, 4)).abs().mean()
    loss = (settings.pixel_weight * pixels + settings.pooled_weight * pooled
            + settings.feature_weight * features + settings.identity_weight * identity
            + settings.offset_weight * offsets.float().square().mean())
    return loss, pixels.item()


def train(crops: Crops, embedder: Embedder, settings: Settings,
          checkpoint: Path) -> dict[str, nn.Module]:
    """Return the averaged encoder and generator; resumes from `checkpoint`."""
    torch.manual_seed(settings.seed)
    random = np.random.default_rng(settings.seed)
    parts: dict[str, nn.Module] = {'encoder': Encoder(), 'generator': Generator()}
    averages: dict[str, nn.Module] = {'encoder': Encoder(), 'generator': Generator()}
    for name, part in parts.items():
        part.to(memory_format=torch.channels_last)
        averages[name].load_state_dict(part.state_dict())
    parameters = [*parts['encoder'].parameters(), *parts['generator'].parameters()]
    optimiser = torch.optim.Adam(parameters, settings.learning_rate, betas=(0.9, 0.98))
    state = load_checkpoint(checkpoint)
    start = state['iteration'] if state else 0
    if state:
        optimiser.load_state_dict(state['optimiser'])
        for name, part in parts.items():
            part.load_state_dict(state[name])
            averages[name].load_state_dict(state[f'average_{name}'])
    began_s = time.monotonic()
    for iteration in range(start, settings.iterations):
        optimiser.param_groups[0]['lr'] = learning_rate(settings, iteration)
        batch = jittered(crops.tensor(random.integers(0, len(crops.images), settings.batch)))
        loss, pixels = reconstruction_loss(parts, embedder, batch, settings)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        decay = min(settings.average_decay, iteration / (iteration + 10))
        for name, part in parts.items():
            update_average(averages[name], part, decay)
        if (iteration + 1) % 100 == 0 or iteration + 1 == settings.iterations:
            rate_hz = (iteration + 1 - start) * settings.batch / (time.monotonic() - began_s)
            LOGGER.info('iteration %d of %d, loss %.4f, L1 %.4f, %.0f crops/s', iteration + 1,
                        settings.iterations, loss.item(), pixels, rate_hz)
            save_checkpoint(checkpoint, {
                'iteration': iteration + 1, 'optimiser': optimiser.state_dict(),
                **{name: part.state_dict() for name, part in parts.items()},
                **{f'average_{name}': part.state_dict() for name, part in averages.items()}})
    return averages


def main() -> int:
    """Parse the command line, train, write `encoder.safetensors` and `generator.safetensors`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--crops', type=Path, required=True, help='folder with *.npz')
    parser.add_argument('--embedder', type=Path, required=True, help='safetensors file')
    parser.add_argument('--out', type=Path, required=True, help='folder for both weights')
    parser.add_argument('--iterations', type=int, default=Settings.iterations)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format='%(asctime)s %(message)s')
    torch.set_num_threads(1)
    settings = Settings(iterations=arguments.iterations)
    crops = load_crops(arguments.crops)
    embedder = load_embedder(arguments.embedder).to(memory_format=torch.channels_last)
    averages = train(crops, embedder, settings, arguments.out / 'generator.checkpoint')
    metadata = json.dumps(asdict(settings) | {'identities': len(np.unique(crops.identities)),
                                              'crops': len(crops.images)})
    for name, average in averages.items():
        save_tensors(arguments.out / f'{name}.safetensors', average.eval().state_dict(),
                     {'training': metadata})
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
