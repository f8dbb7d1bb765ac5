"""One stage of the feature evaluation: a fresh attacker against one frozen extractor, kept.

A stage that is finished is read back; an interrupted training goes on from its checkpoint. The
name of its folder carries everything that decides its figures.
"""
from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.attacks.interface import Budget, Images
from latent_rag_ros.evaluation.feature_scores import ReversalMeasure
from latent_rag_ros.evaluation.figures import Figures
from latent_rag_ros.evaluation.results_file import read_results, write_results
from latent_rag_ros.feature_privacy.attacker import CollectedFeatures, FeatureAttacker
from latent_rag_ros.feature_privacy.feature_space import FeatureSpace

SHOWN = 10
"""Pictures of rendered people that a stage keeps for the page."""

FORMAT = 2
"""Counts up whenever the same stage gives other figures."""


@dataclass(frozen=True)
class Victims:
    """Whose features leaked.

    Parameters
    ----------
    measure : ReversalMeasure
        Knows the pictures that the features were made of.
    features : NDArray
        What leaked, shape (n, d), one row per attacked picture.
    aligned : bool
        The attacker could not collect pairs of such features, because a key turned them; it
        aligns the leaked ones with its own by their principal components.
    """

    measure: ReversalMeasure
    features: NDArray[np.float32]
    aligned: bool = False


@dataclass(frozen=True)
class Stage:
    """Who attacks what, and with which budget.

    Parameters
    ----------
    extractor, weights_sha256 : str
        Name of the row, and of the file of its network.
    collected : CollectedFeatures
        What the attacker is trained on.
    victims : Mapping
        By their names in the results.
    budget : Budget
    batch : int
        Pictures of one step.
    """

    extractor: str
    weights_sha256: str
    collected: CollectedFeatures
    victims: Mapping[str, Victims]
    budget: Budget
    batch: int

    def folder(self, work: Path, attacker: str) -> Path:
        """Return the folder of this stage below `work`."""
        parts = [FORMAT, self.weights_sha256, len(self.collected.features), self.budget,
                 self.batch]
        digest = hashlib.sha256(repr(parts).encode() + self.collected.features[:64].tobytes())
        for name, victims in self.victims.items():
            digest.update(name.encode() + victims.features.tobytes())
        return work / f'{self.extractor}-{attacker}-{digest.hexdigest()[:12]}'


def run_stage(stage: Stage, attacker: FeatureAttacker, work: Path) -> Figures:
    """Train a new attacker and return its figures by the names of the victims.

    Parameters
    ----------
    stage : Stage
    attacker : FeatureAttacker
        Untrained. It gets pictures and features, never a network that the extractor met in its
        training.
    work : Path
        Where stages are kept.
    """
    folder = stage.folder(work, attacker.name)
    finished = folder / 'figures.json'
    if finished.exists():
        return read_results(finished)['figures']
    folder.mkdir(parents=True, exist_ok=True)
    attacker.fit(stage.collected, stage.budget, folder)
    figures, shown = {}, None
    for name, victims in stage.victims.items():
        draws = _reversed(attacker, victims)
        figures[name] = victims.measure.figures(draws)
        if shown is None:  # the first are rendered people: of real ones nothing is kept
            shown = draws[0][:SHOWN]
    np.save(folder / 'shown.npy', shown)
    write_results(finished, {'about': {'extractor': stage.extractor, 'attacker': attacker.name,
                                       'seed': stage.budget.seed}, 'figures': figures})
    for suffix in ('checkpoint', 'best', 'losses'):
        for rest in folder.glob(f'*.{suffix}'):
            rest.unlink()
    return figures


def kept(path: Path, measure: Callable[[], Figures]) -> Figures:
    """Return figures from a file, measured and written there when it is missing."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_results(path, {'about': {}, 'figures': measure()})
    return read_results(path)['figures']


def shown_pictures(stage: Stage, attacker: str, work: Path) -> Images:
    """Return the first pictures that a finished stage reversed, shape (SHOWN, 128, 64, 3)."""
    return np.load(stage.folder(work, attacker) / 'shown.npy')


def _reversed(attacker: FeatureAttacker, victims: Victims) -> list[Images]:
    if not victims.aligned:
        return attacker.reverse(victims.features)
    own = attacker.space
    attacker.space = FeatureSpace.of(victims.features)
    try:
        return attacker.reverse(victims.features)
    finally:
        attacker.space = own
