"""The utility-reversibility ratio (URR) by two explicit definitions.

The paper introduces a URR; its formula is not public. Both definitions here are ours:

    urr_ratio = U / max(e, R)
    urr_norm  = (U / U_0) / max(e, (R - R_floor) / (R_0 - R_floor))

U is the mAP, R what the strongest fresh attacker gets, 0 marks the plain extractor. The larger
the better; the plain extractor has urr_norm = 1.
"""
from __future__ import annotations

LEAST = 1e-3
"""e: an attack that yields nothing makes the ratio large, not infinite."""


def urr_ratio(utility: float, reversibility: float) -> float:
    """Return U / max(e, R) for a utility and an attack quality, both 0..1."""
    return utility / max(LEAST, reversibility)


def urr_norm(utility: float, reversibility: float, plain_utility: float,
             plain_reversibility: float, floor: float = 0.0) -> float | None:
    """Return the ratio relative to the plain extractor and to what needs no feature.

    `floor` is the attack quality of somebody who has no feature. None where the attack on the
    plain extractor does not get above it: there is nothing to compare with.
    """
    share = attack_share(reversibility, plain_reversibility, floor)
    return None if share is None else utility / plain_utility / max(LEAST, share)


def attack_share(reversibility: float, plain_reversibility: float,
                 floor: float = 0.0) -> float | None:
    """Return (R - R_floor) / (R_0 - R_floor); None where R_0 is not above the floor."""
    if plain_reversibility <= floor:
        return None
    return (reversibility - floor) / (plain_reversibility - floor)
