"""Settings of the double adversarial training; they go into the weights' metadata."""
from __future__ import annotations

from dataclasses import dataclass, field

from latent_rag_ros.feature_privacy.reversal_module import ReversalSettings
from latent_rag_ros.training.train_embedder import EmbedderSettings


@dataclass(frozen=True)
class ProtectionSettings:
    """Settings of one run.

    Parameters
    ----------
    embedder : EmbedderSettings
        The re-ID side: batches, losses, schedule. `iterations` counts the warm-up too.
    reversal : ReversalSettings
        The other side.
    warm_up_iterations : int
        The reversal module alone learns to reverse the plain extractor first.
    ramp_iterations : int
        Steps of the extractor until the privacy loss has its full weight.
    privacy_weight : float
        l_priv of L_F = L_reid + l_priv L_priv.
    lazy_reading : str
        `every_k` or `slow_copy`, see `lazy_update`.
    lazy_every : int
        K of both readings.
    slow_decay : float
        b of the slow copy.
    reversal_steps : int
        Updates of the reversal module whenever it learns.
    """

    embedder: EmbedderSettings = field(default_factory=lambda: EmbedderSettings(
        seed=21, iterations=2400, identities_per_batch=12, anchors_per_batch=3,
        learning_rate=1e-3, erase_probability=0.3))
    reversal: ReversalSettings = ReversalSettings()
    warm_up_iterations: int = 600
    ramp_iterations: int = 300
    privacy_weight: float = 4.0
    lazy_reading: str = 'slow_copy'
    lazy_every: int = 5
    slow_decay: float = 0.5
    reversal_steps: int = 1

    def __post_init__(self) -> None:
        """Raise `ValueError` when no iteration is left for the extractor."""
        if not 0 <= self.warm_up_iterations < self.embedder.iterations:
            raise ValueError(f'warm_up_iterations is {self.warm_up_iterations} of '
                             f'{self.embedder.iterations} iterations; leave some to the extractor')

    def weight(self, step: int) -> float:
        """Return the weight of the privacy loss at a step of the extractor, counted from 0."""
        return self.privacy_weight * min(1.0, (step + 1) / max(1, self.ramp_iterations))
