"""Train the re-ID embedder on rendered people: label-smoothed cross entropy and triplet loss.

Run `python -m latent_rag_ros.training.train_embedder --crops DIR --out FILE`; an interrupted run
continues from its checkpoint.
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
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.identity.embedder import FEATURE_DIMENSION, Embedder
from latent_rag_ros.training.augmentation import augment
from latent_rag_ros.training.average import update_average
from latent_rag_ros.training.checkpoint import load_checkpoint, save_checkpoint
from latent_rag_ros.training.crops import Crops, load_crops
from latent_rag_ros.training.unseen_embedder import UnseenEmbedder
from latent_rag_ros.weights.tensors import save_tensors

LOGGER = logging.getLogger('train_embedder')
NETWORKS = {'embedder': (Embedder, FEATURE_DIMENSION), 'unseen': (UnseenEmbedder, 192)}


@dataclass(frozen=True)
class Settings:
    """Settings of one run; they go into the weights' metadata."""

    network: str = 'embedder'
    seed: int = 0
    iterations: int = 2400
    identities_per_batch: int = 16
    crops_per_identity: int = 4
    learning_rate: float = 1.2e-3
    weight_decay: float = 5e-3
    warm_up_iterations: int = 100
    label_smoothing: float = 0.1
    triplet_margin: float = 0.3
    average_decay: float = 0.995


def learning_rate(settings: Settings, iteration: int) -> float:
    """Linear warm-up, then half a cosine down to nothing."""
    warm_up = min(1.0, (iteration + 1) / settings.warm_up_iterations)
    decay = 0.5 + 0.5 * math.cos(math.pi * iteration / settings.iterations)
    return settings.learning_rate * warm_up * decay + 1e-6


def sample_batch(rows_of: list[NDArray[np.int64]], settings: Settings,
                 random: np.random.Generator) -> NDArray[np.int64]:
    """Draw P identities with K crops each; returns rows, shape (P * K,)."""
    chosen = random.choice(len(rows_of), settings.identities_per_batch, replace=False)
    return np.concatenate([random.choice(rows_of[identity], settings.crops_per_identity,
                                         replace=False) for identity in chosen])


def triplet_loss(features: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Batch-hard triplet loss (Hermans et al., 2017) on normalised features (n, dimension)."""
    normalised = functional.normalize(features)
    distance = torch.cdist(normalised, normalised)
    same = labels[:, None] == labels[None]
    farthest_same = (distance * same).amax(1)
    nearest_other = (distance + 10 * same).amin(1)
    return functional.relu(farthest_same - nearest_other + margin).mean()


def train(crops: Crops, settings: Settings, checkpoint: Path) -> nn.Module:
    """Return the averaged network after `settings.iterations` steps; resumes from `checkpoint`."""
    torch.manual_seed(settings.seed)
    random = np.random.default_rng(settings.seed)
    labels_by_row = np.unique(crops.identities, return_inverse=True)[1]
    rows_of = [np.flatnonzero(labels_by_row == label) for label in range(labels_by_row.max() + 1)]
    network_class, dimension = NETWORKS[settings.network]
    network, average = network_class(), network_class()
    average.load_state_dict(network.state_dict())
    classifier = nn.Linear(dimension, len(rows_of), bias=False)
    optimiser = torch.optim.AdamW([*network.parameters(), *classifier.parameters()],
                                  settings.learning_rate, weight_decay=settings.weight_decay)
    parts = {'network': network, 'average': average, 'classifier': classifier,
             'optimiser': optimiser}
    state = load_checkpoint(checkpoint)
    start = state['iteration'] if state else 0
    for name, part in parts.items() if state else ():
        part.load_state_dict(state[name])
    began_s = time.monotonic()
    for iteration in range(start, settings.iterations):
        optimiser.param_groups[0]['lr'] = learning_rate(settings, iteration)
        rows = sample_batch(rows_of, settings, random)
        labels = torch.from_numpy(labels_by_row[rows])
        batch = augment(crops.tensor(rows))
        with torch.autocast('cpu', torch.bfloat16):
            before_neck = network.before_neck(network.feature_maps(batch)[-1])
            logits = classifier(network.neck(before_neck))
        loss = functional.cross_entropy(logits.float(), labels,
                                        label_smoothing=settings.label_smoothing)
        loss = loss + triplet_loss(before_neck.float(), labels, settings.triplet_margin)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        update_average(average, network, min(settings.average_decay, iteration / (iteration + 10)))
        if (iteration + 1) % 100 == 0 or iteration + 1 == settings.iterations:
            rate_hz = (iteration + 1 - start) * len(rows) / (time.monotonic() - began_s)
            LOGGER.info('iteration %d of %d, loss %.3f, %.0f crops/s', iteration + 1,
                        settings.iterations, loss.item(), rate_hz)
            save_checkpoint(checkpoint, {name: part.state_dict() for name, part in parts.items()}
                            | {'iteration': iteration + 1})
    return average.eval()


def main() -> int:
    """Parse the command line, train, write the weights."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--crops', type=Path, required=True, help='folder with *.npz')
    parser.add_argument('--out', type=Path, required=True, help='safetensors file to write')
    parser.add_argument('--network', choices=NETWORKS, default='embedder')
    parser.add_argument('--iterations', type=int, default=Settings.iterations)
    parser.add_argument('--seed', type=int, default=Settings.seed)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format='%(asctime)s %(message)s')
    torch.set_num_threads(1)
    settings = Settings(network=arguments.network, seed=arguments.seed,
                        iterations=arguments.iterations)
    crops = load_crops(arguments.crops)
    average = train(crops, settings, arguments.out.with_suffix('.checkpoint'))
    metadata = asdict(settings) | {'identities': len(np.unique(crops.identities)),
                                   'crops': len(crops.images)}
    save_tensors(arguments.out, average.state_dict(), {'training': json.dumps(metadata)})
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
