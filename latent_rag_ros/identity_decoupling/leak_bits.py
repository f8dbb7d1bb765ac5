"""How many bits of the original identity a replacement gives away, exactly.

The paper's Theorem 4 takes the accepted code z' for independent of the original z. It is not:
that z' was accepted says that z is far from it. With proposals q and P(z) the share of q that is
accepted for z, the accepted law is q(z') 1[cos < tau] / P(z) and (our correction)

    I(z; I_safe) <= I(z; z_attr) + E_z[-log2 P(z)].

With at most M tries there is a further outcome, nothing accepted, with probability (1 - P)^M.
Let s = 1 - (1 - P)^M be the probability of success. Comparing with the reference
(E[s] q, 1 - E[s]) gives, for any M,

    I(z; z' or nothing) <= I(z; success) + E_z[s * -log2 P(z)],

which is the bound above when M has no limit.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class SamplerLeak:
    """What one draw of a sampler gives away about the original, for given originals.

    Parameters
    ----------
    bound_bits : float
        The upper bound above; infinite where the tries have no limit and nothing can be accepted
        for some original.
    exact_bits : float
        The mutual information itself, all originals equally likely.
    worst_bits : float
        -log2 P of the original with the fewest accepted codes; infinite when it has none.
    solid_share : float
        Expected share of originals that get no replacement, 0..1.
    """

    bound_bits: float
    exact_bits: float
    worst_bits: float
    solid_share: float

    def with_attributes(self, attribute_bits: float) -> float:
        """Return the bound on what the published face tells of the original, in bits.

        `attribute_bits` is an upper estimate of I(z_id; z_attr), such as CLUB's. Raises
        ValueError when it is negative or not a number.
        """
        if not attribute_bits >= 0:
            raise ValueError(f'attribute_bits is {attribute_bits}; give an upper estimate of at '
                             'least 0')
        return attribute_bits + self.bound_bits


def sampler_leak(originals: NDArray[np.float32], proposals: NDArray[np.float32],
                 cosine_max: float, tries: int | None = None) -> SamplerLeak:
    """Return the leak of drawing uniformly among proposals until one is far from the original.

    Parameters
    ----------
    originals, proposals : NDArray
        Shapes (m, d) and (n, d), rows of length 1; the originals are equally likely.
    cosine_max : float
        A proposal is accepted when its cosine with the original is below this.
    tries : int, optional
        Most draws; None has no limit.

    Raises
    ------
    ValueError
        There are no originals or no proposals, or `tries` is below 1.
    """
    if not len(originals) or not len(proposals):
        raise ValueError(f'{len(originals)} originals and {len(proposals)} proposals; '
                         'give at least one of each')
    if tries is not None and tries < 1:
        raise ValueError(f'tries is {tries}; give at least 1')
    accepted = np.concatenate([rows.mean(1) for rows in _acceptance(originals, proposals,
                                                                    cosine_max)])
    success = _success(accepted, tries)
    possible = accepted > 0
    surprise = np.full(len(accepted), np.inf)
    surprise[possible] = -np.log2(accepted[possible])
    told = _success_bits(success)
    bound = told + float((success[possible] * surprise[possible]).sum()) / len(originals)
    exact = bound - _slack_bits(originals, proposals, cosine_max, accepted, success)
    if tries is None and not possible.all():
        bound = float('inf')
    return SamplerLeak(bound, max(0.0, exact), float(surprise.max()), float(1 - success.mean()))


def _acceptance(originals: NDArray, proposals: NDArray, cosine_max: float,
                ) -> Iterator[NDArray[np.bool_]]:
    """Yield blocks (rows, n) of whether each proposal is accepted for each original."""
    for start in range(0, len(originals), ROWS_AT_ONCE):
        yield originals[start:start + ROWS_AT_ONCE] @ proposals.T < cosine_max


def _success(accepted: NDArray[np.float64], tries: int | None) -> NDArray[np.float64]:
    """Return the probability (m,) that a draw is accepted within the tries."""
    if tries is None:
        return (accepted > 0).astype(np.float64)
    return 1 - (1 - accepted) ** tries


def _success_bits(success: NDArray[np.float64]) -> float:
    """Return I(z; success) in bits: entropy of the mean less the mean entropy."""
    def entropy(share: NDArray[np.float64]) -> NDArray[np.float64]:
        return -_times_log(share) - _times_log(1 - share)
    return max(0.0, float(entropy(success.mean(keepdims=True))[0] - entropy(success).mean()))


def _slack_bits(originals: NDArray, proposals: NDArray, cosine_max: float,
                accepted: NDArray[np.float64], success: NDArray[np.float64]) -> float:
    """Return by how much the bound exceeds the mutual information.

    Given z, z' has probability s a / (n P), with a = 1 where z' is accepted; on average over z it
    has r / n. The divergence of that average from E[s] / n, the reference of the bound, is
    mean(r log2 r) - E[s] log2 E[s], with E[s] the mean of r.
    """
    rate = np.divide(success, accepted, where=accepted > 0, out=np.zeros_like(accepted))
    average, start = np.zeros(len(proposals)), 0
    for block in _acceptance(originals, proposals, cosine_max):
        average += rate[start:start + len(block)] @ block
        start += len(block)
    average /= len(originals)
    return float(_times_log(average).mean() - _times_log(success.mean(keepdims=True))[0])


def _times_log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return x log2 x, zero at zero."""
    logs = np.log2(values, where=values > 0, out=np.zeros_like(values))
    return values * logs
