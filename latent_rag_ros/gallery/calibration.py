"""From a stated rate of false accepts to a cosine, and from a cosine to a probability.

Strangers are compared with galleries of many sizes. The highest cosine of each comparison gives
the limit that a stated share of strangers reaches (false positive identification rate of ISO/IEC
19795-1). It is measured for every size, not derived from pairs: people who look alike, such as
those in one uniform, come together, so that doubling a gallery does not double the errors. Beyond
the rarest rate that was measured the tail is continued as an exponential one, beyond the largest
gallery the limit grows with the logarithm of the size, as it did before.
"""
from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from latent_rag_ros.gallery.features import FeatureArray, GalleryError
from latent_rag_ros.weights.registry import WEIGHTS_DIRECTORY, write_atomically

SHIPPED_FILE = WEIGHTS_DIRECTORY / 'gallery_calibration.json'
LIMIT_MAX = 0.999
TAIL_STRANGERS_MIN = 10
"""The rarest rate of the table is that of so many strangers, so that no single one decides."""

TAIL_POINTS = 10
RATES = 40

FORMAT_VERSION, ONE_MODEL = 3, 2
"""Version of the files; those of version 2 hold one model."""


@dataclass(frozen=True)
class Calibration:
    """What cosines mean for the features of one embedder.

    Parameters
    ----------
    model_id : str
        Embedder of the features, as in the messages.
    sizes : tuple of int
        Identities in the galleries that strangers were compared with, rising.
    rates : tuple of float
        Shares of strangers, falling.
    cosines : tuple of tuple of float
        The cosine that such a share of strangers reaches, by size and rate.
    slope, offset : float
        The log-odds that two people of equal prior odds are one: `slope * cosine + offset`.
    genuine_pairs, strangers : int
        Comparisons with the same person, and of strangers with a gallery.
    data : str
        What they show.
    """

    model_id: str
    sizes: tuple[int, ...]
    rates: tuple[float, ...]
    cosines: tuple[tuple[float, ...], ...]
    slope: float
    offset: float
    genuine_pairs: int
    strangers: int
    data: str

    def similarity_min(self, false_accept_rate: float, identities: int) -> float:
        """Return the cosine that this share of strangers reaches with any of the identities."""
        # a larger gallery never needs less, whatever a thin tail says
        limits = np.maximum.accumulate([self._limit(false_accept_rate, row)
                                        for row in self.cosines])
        sizes, wanted = np.log(self.sizes), math.log(max(1, identities))
        if wanted <= sizes[-1]:
            return float(np.interp(wanted, sizes, limits))
        growth = (limits[-1] - limits[-2]) / (sizes[-1] - sizes[-2])
        return min(LIMIT_MAX, float(limits[-1] + growth * (wanted - sizes[-1])))

    def _limit(self, false_accept_rate: float, cosines: Sequence[float]) -> float:
        """Return the cosine of a rate in a gallery of one size."""
        wanted, known = math.log(false_accept_rate), np.log(self.rates)
        if wanted >= known[-1]:
            return float(np.interp(wanted, known[::-1], cosines[::-1]))
        tail = max(0, len(known) - TAIL_POINTS)
        steepness = (cosines[-1] - cosines[tail]) / (known[tail] - known[-1])
        return min(LIMIT_MAX, cosines[-1] + steepness * (known[-1] - wanted))

    def confidence(self, similarity: float, identities: int) -> float:
        """Return the probability that the most similar of so many identities is the person.

        Before the comparison a person may as well be any of them as a stranger.
        """
        if not math.isfinite(similarity):
            return 0.0
        odds = self.slope * similarity + self.offset - math.log(max(1, identities))
        return float(expit(odds))

    @property
    def equal_odds(self) -> float:
        """Cosine at which a comparison says as much for one person as for two."""
        return min(LIMIT_MAX, max(0.0, -self.offset / max(self.slope, 1e-6)))


def save_calibrations(path: Path, calibrations: Sequence[Calibration]) -> None:
    """Write calibrations, one per model, as JSON, whole or not at all."""
    content = {'format': FORMAT_VERSION, 'models': [asdict(one) for one in calibrations]}
    write_atomically(path, (json.dumps(content, indent=1) + '\n').encode())


def load_calibrations(path: Path = SHIPPED_FILE) -> tuple[Calibration, ...]:
    """Read the calibrations of a file, one per model.

    Raises `GalleryError` when the file is missing or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        version = content.pop('format')
        if version not in (FORMAT_VERSION, ONE_MODEL):
            raise ValueError('another format')
        models = content['models'] if version == FORMAT_VERSION else [content]
        return tuple(_read(model) for model in models)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GalleryError(f'calibration {path} cannot be used ({error}); make it with: '
                           'latent-rag calibrate') from error


def _read(content: dict[str, Any]) -> Calibration:
    """Return one calibration; raises `ValueError`, `KeyError` or `TypeError` when it is none."""
    sizes, rates = tuple(content.pop('sizes')), tuple(content.pop('rates'))
    cosines = tuple(tuple(row) for row in content.pop('cosines'))
    if (min(len(sizes), len(rates)) < 2 or not all(0 < rate < 1 for rate in rates)
            or sizes[0] < 1 or np.shape(cosines) != (len(sizes), len(rates))):
        raise ValueError('sizes, rates and cosines do not fit')
    return Calibration(sizes=sizes, rates=rates, cosines=cosines, **content)


def calibrate(genuine: NDArray[np.float32], strangers: NDArray[np.float32], model_id: str,
              data: str) -> Calibration:
    """Return the calibration of measured comparisons.

    Parameters
    ----------
    genuine : NDArray
        Cosines of people to themselves, shape (n,).
    strangers : NDArray
        Cosines of m people to others, shape (m, others); the first k others are the gallery of
        size k.
    model_id, data : str
        As in `Calibration`.

    Raises
    ------
    GalleryError
        When there are too few comparisons.
    """
    count, others = strangers.shape
    if len(genuine) < TAIL_STRANGERS_MIN or count < 10 * TAIL_STRANGERS_MIN or others < 2:
        raise GalleryError(f'{len(genuine)} comparisons of one person and {count} of strangers '
                           f'with up to {others} people are too few to calibrate; give more')
    sizes = np.unique(np.geomspace(1, others, 16).round().astype(int))
    rates = np.geomspace(0.5, TAIL_STRANGERS_MIN / count, RATES)
    nearest = np.maximum.accumulate(strangers, axis=1)[:, sizes - 1].astype(np.float64)
    cosines = np.quantile(nearest, 1 - rates, axis=0).T
    cosines = np.maximum.accumulate(np.maximum.accumulate(cosines, axis=0), axis=1).round(5)
    slope, offset = _log_odds(genuine, strangers.ravel())
    return Calibration(model_id, tuple(sizes.tolist()), tuple(rates.round(9).tolist()),
                       tuple(tuple(row) for row in cosines.tolist()), round(slope, 4),
                       round(offset, 4), len(genuine), count, data)


def comparisons(features: FeatureArray, identities: NDArray[np.int64],
                cameras: NDArray[np.int64], features_per_identity: int = 10,
                pooled: int = 5) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return cosines as a gallery compares: of people to themselves, and to others.

    Half of the cameras of each person are enrolled. Of each other camera the mean of the first
    `pooled` features is compared with the nearest feature of every person. Others are in the
    order of their numbers, beginning beside the person: people who were numbered together, such
    as those of one uniform, are in small galleries too.

    Parameters
    ----------
    features : FeatureArray
        Shape (n, dimension).
    identities, cameras : NDArray
        Person and camera of each, shape (n,).

    Returns
    -------
    genuine, strangers
        Shapes (queries,) and (queries, people - 1).
    """
    enrolled, queries = [], []
    for row, identity in enumerate(np.unique(identities).tolist()):
        own = np.flatnonzero(identities == identity)
        seen_by = np.unique(cameras[own])
        first = seen_by[:max(1, len(seen_by) // 2)]
        enrolled.append(features[own[np.isin(cameras[own], first)][:features_per_identity]])
        for camera in seen_by[len(first):]:
            mean = features[own[cameras[own] == camera][:pooled]].mean(axis=0)
            queries.append((row, mean / max(np.linalg.norm(mean), 1e-12)))
    if not queries:
        raise GalleryError('nobody is seen by two cameras; give people that are')
    vectors = np.array([vector for _, vector in queries], np.float32)
    scores = np.stack([(vectors @ own.T).max(axis=1) for own in enrolled], axis=1)
    persons = np.array([row for row, _ in queries])
    steps = np.arange(2, len(enrolled) + 1)
    nearby = np.where(steps % 2, -(steps // 2), steps // 2)  # 1, -1, 2, -2 ...
    columns = (persons[:, None] + nearby) % len(enrolled)
    return scores[np.arange(len(persons)), persons], np.take_along_axis(scores, columns, axis=1)


def _log_odds(genuine: NDArray[np.float32], impostor: NDArray[np.float32]) -> tuple[float, float]:
    """Return slope and offset of the logistic regression with equal weight of both kinds."""
    scores = np.concatenate([genuine, impostor]).astype(np.float64)
    signs = np.concatenate([np.ones(len(genuine)), -np.ones(len(impostor))])
    weights = np.where(signs > 0, 0.5 / len(genuine), 0.5 / len(impostor))

    def loss(line: NDArray[np.float64]) -> float:
        """Return the weighted logistic loss of slope and offset."""
        margin = signs * (line[0] * scores + line[1])
        return float((weights * np.logaddexp(0, -margin)).sum() + 1e-6 * (line ** 2).sum())

    slope, offset = minimize(loss, np.array([10.0, -5.0])).x
    return float(slope), float(offset)
