"""Attribute inference: what somebody reads off a feature without drawing a picture."""
from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.evaluation.attacks.pairs import validation_rows
from latent_rag_ros.feature_privacy.feature_space import FeatureSpace

HIDDEN, BATCH = 256, 256
LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 2e-3, 1e-2, 0.3
VALIDATIONS = 10


class AttributeProbe:
    """A network with one hidden layer from features to one attribute, freshly trained.

    Parameters
    ----------
    iterations, seed : int
        Steps of the training, and what every draw comes from.
    """

    def __init__(self, iterations: int, seed: int) -> None:
        self.iterations, self.seed = iterations, seed
        self._space: FeatureSpace | None = None
        self._network: nn.Module | None = None

    def fit(self, features: NDArray[np.float32], labels: NDArray[np.int64],
            identities: NDArray[np.int64]) -> None:
        """Train on features (n, d), labels (n,) from 0 on and whose they are (n,).

        The weights that are right most often about people kept apart remain.
        """
        apart = validation_rows(identities, self.seed)
        self._space = FeatureSpace.of(features[~apart])
        rows = torch.from_numpy(self._space.coordinates(features))
        truth = torch.from_numpy(labels)
        torch.manual_seed(self.seed)
        network = nn.Sequential(
            nn.Linear(rows.shape[1], HIDDEN), nn.SiLU(), nn.Dropout(DROPOUT),
            nn.Linear(HIDDEN, int(labels.max()) + 1))
        self._train(network, rows[~apart], truth[~apart], rows[apart], truth[apart])
        self._network = network.eval()

    def predict(self, features: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return the class of every feature (n, d), shape (n,); `RuntimeError` before `fit`."""
        if self._network is None or self._space is None:
            raise RuntimeError('the probe has not been trained; call fit first')
        with torch.no_grad():
            logits = self._network(torch.from_numpy(self._space.coordinates(features)))
        return logits.argmax(1).numpy()

    def _train(self, network: nn.Module, rows: Tensor, truth: Tensor, other_rows: Tensor,
               other_truth: Tensor) -> None:
        """Train in place and load the best weights."""
        optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE,
                                      weight_decay=WEIGHT_DECAY)
        best, kept = -1.0, network.state_dict()
        every = max(1, self.iterations // VALIDATIONS)
        for iteration in range(1, self.iterations + 1):
            chosen = torch.randint(len(rows), (min(BATCH, len(rows)),))
            optimiser.zero_grad()
            functional.cross_entropy(network.train()(rows[chosen]), truth[chosen]).backward()
            optimiser.step()
            if iteration % every == 0:
                with torch.no_grad():
                    right = (network.eval()(other_rows).argmax(1) == other_truth).float().mean()
                if right > best:
                    best = float(right)
                    kept = {name: value.clone() for name, value in network.state_dict().items()}
        network.load_state_dict(kept)
