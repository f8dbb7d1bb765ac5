"""What the shipped weights are made from: whom each network sees, and for how long."""
from __future__ import annotations

from dataclasses import dataclass, field, replace

from latent_rag_ros.feature_privacy.reversal_module import ReversalSettings
from latent_rag_ros.feature_privacy.settings import ProtectionSettings
from latent_rag_ros.training.train_code_predictor import CodePredictorSettings
from latent_rag_ros.training.train_embedder import EmbedderSettings
from latent_rag_ros.training.train_generator import GeneratorSettings


@dataclass(frozen=True)
class People:
    """One set of rendered people: the seed makes them, their streets and their cameras."""

    seed: int
    people: int
    crops: int


@dataclass(frozen=True)
class Recipe:
    """One complete training; nobody is in two of its sets.

    The figures are measured on people of other seeds: 101 to 103 (`latent-rag evaluate models`),
    2 and 3 (validation and test of `latent-rag evaluate latent-rag`).
    """

    training_people: People = People(seed=1, people=3000, crops=40)
    store_people: People = People(seed=4, people=1250, crops=8)
    embedder: EmbedderSettings = EmbedderSettings()
    unseen_embedder: EmbedderSettings = EmbedderSettings(
        network='unseen_embedder', seed=11, iterations=3000, cosine_scale=15.0, cosine_margin=0.0)
    generator: GeneratorSettings = field(default_factory=GeneratorSettings)
    code_predictor: CodePredictorSettings = CodePredictorSettings()
    protection_head: ProtectionSettings = field(default_factory=ProtectionSettings)
    decoder_protection_head: ProtectionSettings = field(
        default_factory=lambda: ProtectionSettings(reversal=ReversalSettings(kind='decoder')))


SHIPPED = Recipe()
_TINY_PROTECTION = ProtectionSettings(iterations=2, warm_up_iterations=1)

TINY = Recipe(
    People(seed=1, people=16, crops=4), People(seed=4, people=25, crops=8),
    EmbedderSettings(iterations=2), EmbedderSettings('unseen_embedder', 11, iterations=2),
    GeneratorSettings(iterations=4, batch=4, adversarial_from_share=0.5),
    CodePredictorSettings(iterations=2, batch=4), _TINY_PROTECTION,
    replace(_TINY_PROTECTION, reversal=ReversalSettings(kind='decoder')))
"""Proves the path in a minute; its weights are good for nothing."""

RECIPES = {'shipped': SHIPPED, 'tiny': TINY}


def with_protection(recipe: Recipe, **changes: str | float) -> Recipe:
    """Return a recipe with other `ProtectionSettings` of both protection heads, by name."""
    return replace(
        recipe, protection_head=replace(recipe.protection_head, **changes),
        decoder_protection_head=replace(recipe.decoder_protection_head, **changes))
