"""All attackers by name: how each is made, and how long it trains."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from latent_rag_ros.evaluation.attacks.attribute_net import AttributeNetAttacker
from latent_rag_ros.evaluation.attacks.averaging import AveragingRecoverer
from latent_rag_ros.evaluation.attacks.diffusion import DiffusionRecoverer
from latent_rag_ros.evaluation.attacks.grey_box import GreyBoxRecoverer
from latent_rag_ros.evaluation.attacks.interface import AttributeAttacker, RecoveryAttacker
from latent_rag_ros.evaluation.attacks.linkage import LinkageAttacker
from latent_rag_ros.evaluation.attacks.pairs import Protect
from latent_rag_ros.evaluation.attacks.recovery import Recoverer
from latent_rag_ros.evaluation.attacks.restormer import RestormerTiny
from latent_rag_ros.evaluation.attacks.ridge import RidgeRecoverer
from latent_rag_ros.evaluation.attacks.silhouette_net import SilhouetteAttacker
from latent_rag_ros.evaluation.attacks.surrogate_store import SurrogateStoreRecoverer
from latent_rag_ros.evaluation.attacks.unet import UNet
from latent_rag_ros.evaluation.unseen import load_unseen_embedder
from latent_rag_ros.identity.embedder import Embedder, load_embedder
from latent_rag_ros.weights.registry import weights_file

FULL_ITERATIONS: Mapping[str, int] = MappingProxyType({
    'ridge': 1, 'unet': 500, 'restormer_tiny': 150, 'diffusion': 500, 'grey_box': 400,
    'surrogate_store': 400, 'averaging': 400, 'clothing_colour_net': 300,
    'silhouette_net': 300, 'linkage': 250})
"""Steps of a full run: half a minute to a minute of one core for each; ridge takes none."""

QUICK_ITERATIONS: Mapping[str, int] = MappingProxyType({
    'ridge': 1, 'unet': 80, 'restormer_tiny': 15, 'diffusion': 60, 'grey_box': 60,
    'surrogate_store': 60, 'averaging': 60, 'clothing_colour_net': 120,
    'silhouette_net': 60, 'linkage': 20})
"""Steps of a quick run: some seconds each, which shows that all works, not how strong it is."""


@dataclass(frozen=True)
class AttackContext:
    """What attackers have besides their pairs.

    Parameters
    ----------
    weights : Path, optional
        Folder with the deployment's weights; None takes the shipped ones.
    device : str
        `cpu` or `cuda:N`.
    surrogate : Callable, optional
        The method under attack with the attacker's own store, see `surrogate_store`. None where
        the method has no store.
    """

    weights: Path | None = None
    device: str = 'cpu'
    surrogate: Protect | None = None

    @cached_property
    def embedder(self) -> Embedder:
        """The deployment's embedder. Raises `WeightsError` when it is missing or damaged."""
        return load_embedder(weights_file('embedder.safetensors', self.weights), self.device)


def recovery_attackers(context: AttackContext) -> Mapping[str, Callable[[], RecoveryAttacker]]:
    """Return what makes each attacker that draws the original, by its name in the results."""
    device = context.device
    return {
        'ridge': lambda: RidgeRecoverer(context.embedder, device),
        'unet': lambda: Recoverer('unet', lambda _: UNet(3), device=device),
        'restormer_tiny': lambda: Recoverer('restormer_tiny', lambda _: RestormerTiny(),
                                            device=device),
        'diffusion': lambda: DiffusionRecoverer(device),
        'grey_box': lambda: GreyBoxRecoverer(context.embedder, device),
        'surrogate_store': lambda: SurrogateStoreRecoverer(context.embedder, context.surrogate,
                                                           device),
        'averaging': lambda: AveragingRecoverer(device)}


def attribute_attackers(context: AttackContext) -> Mapping[str, Callable[[], AttributeAttacker]]:
    """Return what makes each attacker that reads an attribute, by its name in the results."""
    return {'clothing_colour_net': lambda: AttributeNetAttacker('clothing_colour_net',
                                                                context.device)}


def silhouette_attackers(context: AttackContext) -> Mapping[str, Callable[[], SilhouetteAttacker]]:
    """Return what makes each attacker that reads the silhouette, by its name in the results."""
    return {'silhouette_net': lambda: SilhouetteAttacker(context.device)}


def linkage_attackers(context: AttackContext) -> Mapping[str, Callable[[], LinkageAttacker]]:
    """Return what makes each attacker that links people, by its name in the results."""
    return {'linkage': lambda: LinkageAttacker(
        load_unseen_embedder(context.weights, context.device), context.device)}
