"""Training of the gaze reader on rendered faces, whose gaze is known exactly."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from latent_rag_ros.evaluation.face_sets import FaceLook
from latent_rag_ros.evaluation.gaze_reader import GazeNetwork
from latent_rag_ros.evaluation.gaze_samples import gaze_samples
from latent_rag_ros.training.precision import mixed_precision
from latent_rag_ros.training.trainer import Schedule

FACING_WEIGHT, LIKELIHOOD_WEIGHT = 0.5, 0.05
"""Of where the head faces, and of the expected errors, which are not to distract from the gaze."""


@dataclass(frozen=True)
class GazeSettings:
    """How the reader is trained; a running average of its weights is kept."""

    variants: int = 8
    iterations: int = 1800
    batch: int = 64
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    average_decay: float = 0.98
    bfloat16: bool = True
    seed: int = 43


def train_gaze_network(looks: Sequence[FaceLook], settings: GazeSettings,
                       device: str = 'cpu') -> GazeNetwork:
    """Return a network trained on faces whose gaze and pose are known; the same every time.

    Directions learn by the mean length of the difference of unit vectors, which forgives single
    faces with closed eyes; expected errors by the likelihood of these lengths under a Laplace
    distribution (Kendall and Gal, 2017).
    """
    random = np.random.default_rng(settings.seed)
    samples = gaze_samples(looks, settings.variants, random)
    order = _shuffled(len(samples.faces), settings.iterations * settings.batch, random)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = GazeNetwork().to(device).train()
        average = AveragedModel(network, use_buffers=True,
                                multi_avg_fn=get_ema_multi_avg_fn(settings.average_decay))
        optimiser = torch.optim.AdamW(network.parameters(), weight_decay=settings.weight_decay)
        schedule = Schedule(settings.iterations, settings.learning_rate)
        for iteration in tqdm(range(settings.iterations), desc='gaze reader', mininterval=5):
            rows = order[iteration * settings.batch:(iteration + 1) * settings.batch]
            faces, wanted = (part.to(device) for part in samples.batch(rows, random))
            for group in optimiser.param_groups:
                group['lr'] = schedule.rate(iteration)
            with mixed_precision(torch.device(device), settings.bfloat16):
                gaze, expected, facing = network(faces)
            error = functional.pairwise_distance(gaze, wanted[:, 0])
            aside = functional.pairwise_distance(facing, wanted[:, 1])
            likelihood = error.detach() / expected + expected.log()
            optimiser.zero_grad()
            (error + FACING_WEIGHT * aside + LIKELIHOOD_WEIGHT * likelihood).mean().backward()
            optimiser.step()
            average.update_parameters(network)
    return average.module.eval().requires_grad_(False)


def _shuffled(faces: int, count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return `count` rows, every face equally often, in an order that is new every time."""
    rounds = -(-count // faces)
    return np.concatenate([random.permutation(faces) for _ in range(rounds)])[:count]
