"""From a stated rate of false accepts to a cosine, and from a cosine to a probability.

The similarity of two people who are not the same is measured on many pairs. Its upper tail gives
the cosine that a stated share of strangers reaches (false positive identification rate of ISO/IEC
19795-1: one stranger against all identities of a gallery, so it depends on their number). Beyond
the rarest rate that was measured the tail is continued as an exponential one.
"""
from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from latent_rag_ros.gallery.features import FeatureArray, GalleryError
from latent_rag_ros.weights.registry import WEIGHTS_DIRECTORY, write_atomically

SHIPPED_FILE = WEIGHTS_DIRECTORY / 'gallery_calibration.json'
LIMIT_MAX = 0.999
TAIL_PAIRS_MIN = 10
"""The rarest rate of the table is that of so many pairs, so that no single pair decides."""

FORMAT_VERSION = 1


@dataclass(frozen=True)
class Calibration:
    """What cosines mean for the features of one embedder.

    Parameters
    ----------
    model_id : str
        Embedder of the features, as in the messages.
    rates, cosines : tuple of float
        Share of pairs of different people that reach a cosine: falling rates, rising cosines.
    slope, offset : float
        The log-odds that two people of equal prior odds are one: `slope * cosine + offset`.
    genuine_pairs, impostor_pairs : int
        Comparisons that this was measured on.
    data : str
        What they show.
    """

    model_id: str
    rates: tuple[float, ...]
    cosines: tuple[float, ...]
    slope: float
    offset: float
    genuine_pairs: int
    impostor_pairs: int
    data: str

    def similarity_min(self, false_accept_rate: float, identities: int) -> float:
        """Return the cosine that this share of strangers reaches with any of the identities."""
        pair_rate = -math.expm1(math.log1p(-false_accept_rate) / max(1, identities))
        wanted, known = math.log(pair_rate), np.log(self.rates)
        if wanted >= known[-1]:
            return float(np.interp(wanted, known[::-1], self.cosines[::-1]))
        tail = max(0, len(known) - 10)
        steepness = (self.cosines[-1] - self.cosines[tail]) / (known[tail] - known[-1])
        return min(LIMIT_MAX, self.cosines[-1] + steepness * (known[-1] - wanted))

    def confidence(self, similarity: float, identities: int) -> float:
        """Return the probability that the most similar of so many identities is the person.

        Before the comparison a person may as well be any of them as a stranger.
        """
        if not math.isfinite(similarity):
            return 0.0
        odds = self.slope * similarity + self.offset - math.log(max(1, identities))
        return float(expit(odds))

    def save(self, path: Path) -> None:
        """Write the calibration as JSON, whole or not at all."""
        content = {'format': FORMAT_VERSION, **asdict(self)}
        write_atomically(path, (json.dumps(content, indent=1) + '\n').encode())


def load_calibration(path: Path = SHIPPED_FILE) -> Calibration:
    """Read a calibration; raises `GalleryError` when the file is missing or holds none."""
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        if content.pop('format') != FORMAT_VERSION:
            raise ValueError('another format')
        rates, cosines = tuple(content.pop('rates')), tuple(content.pop('cosines'))
        calibration = Calibration(rates=rates, cosines=cosines, **content)
        if len(rates) != len(cosines) or len(rates) < 2 or not all(0 < r <= 1 for r in rates):
            raise ValueError('rates and cosines do not fit')
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise GalleryError(f'calibration {path} cannot be used ({error}); make it with: '
                           'latent-rag calibrate') from error
    return calibration


def calibrate(genuine: NDArray[np.float32], impostor: NDArray[np.float32], model_id: str,
              data: str) -> Calibration:
    """Return the calibration of measured comparisons.

    Parameters
    ----------
    genuine, impostor : NDArray
        Cosines of comparisons of one person, and of two, shapes (n,) and (m,).
    model_id, data : str
        As in `Calibration`.

    Raises
    ------
    GalleryError
        When there are too few comparisons.
    """
    if len(genuine) < TAIL_PAIRS_MIN or len(impostor) < 10 * TAIL_PAIRS_MIN:
        raise GalleryError(f'{len(genuine)} comparisons of one person and {len(impostor)} of two '
                           'are too few to calibrate; give more people')
    rates = np.geomspace(0.5, TAIL_PAIRS_MIN / len(impostor), 40)
    cosines = np.maximum.accumulate(np.quantile(impostor.astype(np.float64), 1 - rates))
    slope, offset = _log_odds(genuine, impostor)
    return Calibration(model_id, tuple(rates.round(9).tolist()), tuple(cosines.round(5).tolist()),
                       round(slope, 4), round(offset, 4), len(genuine), len(impostor), data)


def comparisons(features: FeatureArray, identities: NDArray[np.int64],
                cameras: NDArray[np.int64], features_per_identity: int = 10,
                pooled: int = 5) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return cosines as a gallery compares: of one person across cameras, and of two people.

    Half of the cameras of each person are enrolled. Of each other camera the mean of the first
    `pooled` features is compared with the nearest feature of every person.

    Parameters
    ----------
    features : FeatureArray
        Shape (n, dimension).
    identities, cameras : NDArray
        Person and camera of each, shape (n,).
    """
    enrolled, queries = {}, []
    for identity in np.unique(identities).tolist():
        own = np.flatnonzero(identities == identity)
        seen_by = np.unique(cameras[own])
        first = seen_by[:max(1, len(seen_by) // 2)]
        enrolled[identity] = features[own[np.isin(cameras[own], first)][:features_per_identity]]
        for camera in seen_by[len(first):]:
            mean = features[own[cameras[own] == camera][:pooled]].mean(axis=0)
            queries.append((identity, mean / max(np.linalg.norm(mean), 1e-12)))
    if not queries:
        raise GalleryError('nobody is seen by two cameras; give people that are')
    vectors = np.array([vector for _, vector in queries], np.float32)
    scores = np.stack([(vectors @ own.T).max(axis=1) for own in enrolled.values()], axis=1)
    same = np.array([identity for identity, _ in queries])[:, None] == np.array(list(enrolled))
    return scores[same], scores[~same]


def _log_odds(genuine: NDArray[np.float32], impostor: NDArray[np.float32]) -> tuple[float, float]:
    """Return slope and offset of the logistic regression with equal weight of both kinds."""
    scores = np.concatenate([genuine, impostor]).astype(np.float64)
    signs = np.concatenate([np.ones(len(genuine)), -np.ones(len(impostor))])
    weights = np.where(signs > 0, 0.5 / len(genuine), 0.5 / len(impostor))

    def loss(line: NDArray[np.float64]) -> float:
        margin = signs * (line[0] * scores + line[1])
        return float((weights * np.logaddexp(0, -margin)).sum() + 1e-6 * (line ** 2).sum())

    slope, offset = minimize(loss, np.array([10.0, -5.0])).x
    return float(slope), float(offset)
