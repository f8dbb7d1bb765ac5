"""From which cosine on an oracle takes two faces for one person: its impostor threshold.

Thresholds are not portable between networks or kinds of pictures, so each oracle gets its own,
from pairs of different people. Faces of one kind (rendered ones, say) are all alike to a network
that has never seen them, which would make its threshold lax for others: the strictest set counts.
"""
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.weights.registry import WeightsError, write_atomically

FALSE_MATCH_RATE = 1e-3


@dataclass(frozen=True)
class Threshold:
    """A calibrated threshold.

    Parameters
    ----------
    cosine : float
        At most the false match rate of the impostor pairs reach it.
    pairs, people : int
        Impostor pairs it was read from, and how many people are in them.
    """

    cosine: float
    pairs: int
    people: int


def impostor_cosines(features: NDArray[np.float32], identities: NDArray[np.int64],
                     ) -> NDArray[np.float32]:
    """Return the cosine (p,) of every pair of features (n, d), length 1, of different people."""
    one, other = np.triu_indices(len(features), 1)
    apart = identities[one] != identities[other]
    return (features @ features.T)[one[apart], other[apart]]


def impostor_threshold(features: NDArray[np.float32], identities: NDArray[np.int64],
                       false_match_rate: float = FALSE_MATCH_RATE) -> Threshold:
    """Return the smallest cosine that at most `false_match_rate` of the impostor pairs reach.

    Parameters
    ----------
    features : NDArray
        Shape (n, d), float32, rows of length 1.
    identities : NDArray
        Shape (n,): who is seen.
    false_match_rate : float
        Above 0 and below 1.

    Raises
    ------
    ValueError
        There are fewer impostor pairs than the rate needs to see one match, or a feature is not
        finite.
    """
    if not 0 < false_match_rate < 1:
        raise ValueError(f'false_match_rate is {false_match_rate}; give a share in 0..1')
    cosines = np.sort(impostor_cosines(features, identities))
    if not np.isfinite(cosines).all():
        raise ValueError('features are not finite; check the network and its input')
    allowed = int(len(cosines) * false_match_rate)
    if allowed < 1:
        raise ValueError(f'{len(cosines)} impostor pairs cannot show a false match rate of '
                         f'{false_match_rate:g}; give at least {int(1 / false_match_rate) + 1}')
    # `allowed` pairs may reach the threshold: it lies just above the next lower one
    cosine = np.nextafter(cosines[-allowed - 1], np.float32(2), dtype=np.float32)
    return Threshold(float(min(cosine, 1)), len(cosines), len(np.unique(identities)))


def strictest(thresholds: Sequence[Threshold]) -> Threshold:
    """Return the lowest of the thresholds of several sets of faces, at least one."""
    return min(thresholds, key=lambda threshold: threshold.cosine)


def save_thresholds(path: Path, thresholds: Mapping[str, Threshold],
                    false_match_rate: float = FALSE_MATCH_RATE) -> None:
    """Write thresholds by oracle as JSON. Raises `OSError` when the file cannot be written."""
    content = {'false_match_rate': false_match_rate,
               'oracles': {name: asdict(value) for name, value in sorted(thresholds.items())}}
    write_atomically(path, (json.dumps(content, indent=2) + '\n').encode())


def load_thresholds(path: Path) -> dict[str, float]:
    """Return the threshold cosine by oracle. Raises WeightsError for a file that is none."""
    try:
        oracles = json.loads(path.read_text(encoding='utf-8'))['oracles']
        return {name: float(value['cosine']) for name, value in oracles.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f'{path} holds no thresholds of oracles ({error}); calibrate them '
                           'again') from error
