"""The features that leave the filter: through the protection head, or none at all.

Inside the filter everything compares plain features. They end here: where the head fails, a person
carries no feature, and never the plain one instead.
"""
from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.feature_privacy.protection_head import ProtectionHead
from latent_rag_ros.protection.method import Person

LOGGER = logging.getLogger(__name__)

NORM_TOLERANCE = 1e-3


class PublishedFeatures:
    """Turns the plain features of a frame into those that may be published.

    Parameters
    ----------
    head : ProtectionHead or None
        On the device of the features; None publishes plain features.
    """

    def __init__(self, head: ProtectionHead | None) -> None:
        self._head = head

    def of(self, persons: Sequence[Person]) -> list[NDArray[np.float32] | None]:
        """Return one feature per person, shape (d,), float32, L2 norm 1.

        None where a person has none, where the head fails, and where what it returns is not
        finite or has no length.
        """
        published: list[NDArray[np.float32] | None] = [None] * len(persons)
        rows = [row for row, person in enumerate(persons) if person.feature is not None]
        if not rows:
            return published
        try:
            features = self._protected(torch.stack([persons[row].feature for row in rows]))
        except (RuntimeError, ValueError, MemoryError) as error:
            LOGGER.error('protection head failed, no features are published: %s', error)
            return published
        # a comparison with NaN is false as well
        usable = np.abs(np.linalg.norm(features, axis=1) - 1) <= NORM_TOLERANCE
        for row, feature, is_usable in zip(rows, features, usable):
            if is_usable:
                published[row] = feature
        return published

    @torch.no_grad()
    def _protected(self, features: torch.Tensor) -> NDArray[np.float32]:
        """Return what may be published of plain features (n, d), shape (n, d)."""
        if self._head is not None:
            features = self._head.protect(features.float())
        return features.float().cpu().numpy()
