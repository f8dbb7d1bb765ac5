"""Train a re-ID embedder on rendered people: margin softmax, label-smoothed, and triplet loss.

Every batch is drawn around a few anchor identities and those that look most like them
(graph sampling, Liao and Shao, CVPR 2022), and half of the crops get another background, so that
the network learns the person and not the street.
"""
from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.identity.embedder import FEATURE_DIMENSION, Embedder
from latent_rag_ros.training.augmentation import augment
from latent_rag_ros.training.background_swap import swap_backgrounds
from latent_rag_ros.training.crops import Crops
from latent_rag_ros.training.identity_sampler import IdentitySampler
from latent_rag_ros.training.trainer import Schedule, Trainer
from latent_rag_ros.training.unseen_embedder import UnseenEmbedder
from latent_rag_ros.weights.tensors import load_network, save_tensors

NETWORKS = {'embedder': (Embedder, FEATURE_DIMENSION), 'unseen_embedder': (UnseenEmbedder, 192)}


@dataclass(frozen=True)
class EmbedderSettings:
    """Settings of one run; they go into the weights' metadata."""

    network: str = 'embedder'
    seed: int = 0
    iterations: int = 19000
    identities_per_batch: int = 16
    crops_per_identity: int = 4
    anchors_per_batch: int = 4
    learning_rate: float = 1.2e-3
    weight_decay: float = 5e-3
    label_smoothing: float = 0.1
    cosine_scale: float = 18.0
    cosine_margin: float = 0.15
    triplet_margin: float = 0.3
    background_swap_share: float = 0.5
    erase_probability: float = 0.45
    final_erase_probability: float = 0.15
    """The last crops of a run are closer to what the camera will give."""


class CosineClassifier(nn.Module):
    """Identities as directions: logits s (cos - m) for the right one (CosFace, CVPR 2018)."""

    def __init__(self, dimension: int, identities: int, scale: float, margin: float) -> None:
        super().__init__()
        self.directions = nn.Parameter(torch.randn(identities, dimension) * 0.05)
        self.scale, self.margin = scale, margin

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return logits, shape (n, identities), for features (n, dimension), labels (n,)."""
        cosine = functional.normalize(features) @ functional.normalize(self.directions).t()
        wanted = functional.one_hot(labels, len(self.directions))
        return self.scale * (cosine - self.margin * wanted)


def triplet_loss(features: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Batch-hard triplet loss (Hermans et al., 2017) on normalised features (n, dimension)."""
    normalised = functional.normalize(features)
    distance = torch.cdist(normalised, normalised)
    same = labels[:, None] == labels[None]
    farthest_same = (distance * same).amax(1)
    nearest_other = (distance + 10 * same).amin(1)
    return functional.relu(farthest_same - nearest_other + margin).mean()


class EmbedderTraining:
    """One training of an embedder and the classifier that is thrown away afterwards.

    Parameters
    ----------
    crops : Crops
        Rendered people, at least four crops of each identity.
    settings : EmbedderSettings
    directory : Path
        Where checkpoint and log go.
    device : str
        `cpu` or `cuda:N`.
    initial : Path, optional
        Weights of an earlier run to go on from, with other settings or other people.
    """

    def __init__(self, crops: Crops, settings: EmbedderSettings, directory: Path,
                 device: str = 'cpu', initial: Path | None = None) -> None:
        torch.manual_seed(settings.seed)
        self.crops, self.settings, self.device = crops, settings, torch.device(device)
        self.sampler = IdentitySampler(crops.identities, settings.identities_per_batch,
                                       settings.crops_per_identity, settings.anchors_per_batch)
        network_class, dimension = NETWORKS[settings.network]
        self.network = network_class().to(self.device)
        self.classifier = CosineClassifier(
            dimension, self.sampler.identities, settings.cosine_scale,
            settings.cosine_margin).to(self.device)
        if initial is not None:
            self._go_on_from(initial)
        self.optimiser = torch.optim.AdamW(
            [*self.network.parameters(), *self.classifier.parameters()],
            weight_decay=settings.weight_decay)
        self.trainer = Trainer(
            {'network': self.network, 'classifier': self.classifier},
            {'optimiser': self.optimiser},
            Schedule(settings.iterations, settings.learning_rate, average_decay=0.995,
                     seed=settings.seed), directory, settings.network)

    def _go_on_from(self, initial: Path) -> None:
        """Take over a trained network; each identity starts where the network sees it now."""
        self.network.load_state_dict(load_network(deepcopy(self.network), initial).state_dict())
        self.network.eval()
        directions = mean_features(self.network, self.crops, self.sampler.labels, self.device)
        self.classifier.directions.data.copy_(directions)
        self.network.train()

    def run(self) -> nn.Module:
        """Return the averaged network."""
        return self.trainer.run(self.step)['network']

    def step(self, iteration: int, random: np.random.Generator) -> dict[str, float]:
        """Take one step; returns the parts of the loss."""
        _, labels, batch = self.draw(iteration, random)
        with torch.autocast(self.device.type, torch.bfloat16):
            before_neck = self.network.before_neck(self.network.feature_maps(batch)[-1])
            features = self.network.neck(before_neck)
        identity, triplet = self.losses(before_neck, features, labels)
        self.optimiser.zero_grad()
        (identity + triplet).backward()
        self.optimiser.step()
        return {'identity': identity.item(), 'triplet': triplet.item()}

    def draw(self, iteration: int, random: np.random.Generator,
             ) -> tuple[NDArray[np.int64], Tensor, Tensor]:
        """Draw a batch: rows of the crops, labels (n,), changed crops (n, 3, 128, 64)."""
        rows = self.sampler.rows(random, self.classifier.directions.detach())
        labels = torch.from_numpy(self.sampler.labels[rows]).to(self.device)
        batch = swap_backgrounds(self.crops, rows, self.settings.background_swap_share, random)
        batch = augment(batch.to(self.device), self._erase_probability(iteration))
        return rows, labels, batch

    def losses(self, before_neck: Tensor, features: Tensor,
               labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return classification and triplet loss of features before and after the neck, (n, d)."""
        identity = functional.cross_entropy(self.classifier(features.float(), labels), labels,
                                            label_smoothing=self.settings.label_smoothing)
        return identity, triplet_loss(before_neck.float(), labels, self.settings.triplet_margin)

    def _erase_probability(self, iteration: int) -> float:
        first, last = self.settings.erase_probability, self.settings.final_erase_probability
        return first + (last - first) * iteration / self.settings.iterations


@torch.no_grad()
def mean_features(network: nn.Module, crops: Crops, labels: NDArray[np.int64],
                  device: torch.device, crops_each: int = 8) -> Tensor:
    """Return the normalised mean feature of the first crops of each label, (labels, dimension)."""
    means = []
    for label in range(int(labels.max()) + 1):
        rows = np.flatnonzero(labels == label)[:crops_each]
        features = network.embed(crops.tensor(rows).to(device))
        means.append(functional.normalize(features.mean(0), dim=0))
    return torch.stack(means)


def train_embedder(crops: Crops, directory: Path, settings: EmbedderSettings,
                   device: str = 'cpu', initial: Path | None = None) -> None:
    """Train on `crops` and write `<network>.safetensors` into `directory`.

    `initial` are weights of an earlier run to go on from; None starts from random ones.
    """
    network = EmbedderTraining(crops, settings, directory, device, initial).run()
    metadata = asdict(settings) | {'identities': len(np.unique(crops.identities)),
                                   'crops': len(crops.images)}
    save_tensors(directory / f'{settings.network}.safetensors', network.cpu().state_dict(),
                 {'training': json.dumps(metadata)})
