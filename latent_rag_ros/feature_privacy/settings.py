"""Settings of the double adversarial training; they go into the weights' metadata."""
from __future__ import annotations

from dataclasses import dataclass

from latent_rag_ros.feature_privacy.reversal_module import ReversalSettings


@dataclass(frozen=True)
class ProtectionSettings:
    """Settings of one run.

    Parameters
    ----------
    reversal : ReversalSettings
        The other side.
    seed : int
    iterations : int
        Including the warm-up.
    crops_per_identity : int
        Crops of each person that are learnt from.
    identities_per_batch, crops_per_batch_identity, anchors_per_batch : int
        People of a batch, crops of each, and how many people are drawn at random; the others are
        those who look most like them.
    learning_rate, weight_decay : float
        Of the head.
    label_smoothing, cosine_scale, cosine_margin, triplet_margin : float
        Of the re-ID loss, as the embedder's.
    shrinkage, picture_weight, group_width : float
        Of the directions and of the groups where the head starts, see `discriminant`; the width
        of groups is in shares of the distance to the next one.
    feature_noise : float
        Standard deviation per number of the noise on plain features, of length 1: the embedder
        knows the people of the training better than those it will meet.
    warm_up_iterations : int
        The reversal module alone learns to reverse the extractor as it starts.
    ramp_iterations : int
        Steps of the head until the privacy loss has its full weight.
    privacy_weight : float
        l_priv of L_F = L_reid + l_priv L_priv.
    lazy_reading : str
        `every_k` or `slow_copy`, see `lazy_update`.
    lazy_every : int
        K of both readings.
    slow_decay : float
        b of the slow copy.
    reversal_steps, reversal_batch : int
        Updates of the reversal module whenever it learns, and pictures of each.
    linear_every, linear_rows : int
        After every so many iterations the reversal module goes on from the best linear map of the
        present features, fitted on so many rows.
    """

    reversal: ReversalSettings = ReversalSettings()
    seed: int = 21
    iterations: int = 400
    crops_per_identity: int = 8
    identities_per_batch: int = 16
    crops_per_batch_identity: int = 4
    anchors_per_batch: int = 4
    learning_rate: float = 3e-4
    weight_decay: float = 5e-3
    label_smoothing: float = 0.1
    cosine_scale: float = 18.0
    cosine_margin: float = 0.15
    triplet_margin: float = 0.3
    shrinkage: float = 3.0
    picture_weight: float = 4.0
    group_width: float = 0.9
    feature_noise: float = 0.04
    warm_up_iterations: int = 100
    ramp_iterations: int = 100
    privacy_weight: float = 8.0
    lazy_reading: str = 'slow_copy'
    lazy_every: int = 5
    slow_decay: float = 0.5
    reversal_steps: int = 2
    reversal_batch: int = 128
    linear_every: int = 50
    linear_rows: int = 4000

    def __post_init__(self) -> None:
        """Raise `ValueError` when no iteration is left for the extractor."""
        if not 0 <= self.warm_up_iterations < self.iterations:
            raise ValueError(f'warm_up_iterations is {self.warm_up_iterations} of '
                             f'{self.iterations} iterations; leave some to the extractor')

    def weight(self, step: int) -> float:
        """Return the weight of the privacy loss at a step of the extractor, counted from 0."""
        return self.privacy_weight * min(1.0, (step + 1) / max(1, self.ramp_iterations))
