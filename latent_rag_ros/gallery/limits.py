"""From which cosine on somebody is known: stated by hand, or calibrated to a rate of errors."""
from __future__ import annotations

import math
from collections.abc import Sequence

from latent_rag_ros.gallery.calibration import Calibration

CALIBRATED = -1.0
"""Value of `gallery.similarity_min` that leaves the limit to the calibration."""

UNCALIBRATED_MIN = 0.6
"""Cosine for features of a model that nobody calibrated."""

UNCALIBRATED_AGREEMENT = 0.4
"""The same for features of one track."""


class MatchLimit:
    """The cosine of a match, for the number of identities that a person is compared with.

    Parameters
    ----------
    similarity_min : float
        A fixed cosine; `CALIBRATED` takes the calibration's, where it is of the model in use.
    false_accept_rate : float
        Share of strangers that may be taken for somebody known.
    calibrations : sequence of Calibration
        What cosines mean, for one model each.

    Attributes
    ----------
    model_id : str
        Embedder of the features that are being compared; set by the caller.
    """

    def __init__(self, similarity_min: float, false_accept_rate: float,
                 calibrations: Sequence[Calibration] = ()) -> None:
        self._fixed, self._rate = similarity_min, false_accept_rate
        self._calibrations = {one.model_id: one for one in calibrations}
        self.model_id = ''

    def __call__(self, identities: int) -> float:
        """Return the cosine for a gallery of so many identities."""
        if self._fixed > CALIBRATED:
            return self._fixed
        if not self.is_calibrated:
            return UNCALIBRATED_MIN
        return self._calibration.similarity_min(self._rate, identities)

    @property
    def _calibration(self) -> Calibration | None:
        return self._calibrations.get(self.model_id)

    @property
    def is_calibrated(self) -> bool:
        """Whether one of the calibrations is of the model in use."""
        return self._calibration is not None

    def agreement(self) -> float:
        """Return the cosine at which two features are as likely of one person as of two."""
        return self._calibration.equal_odds if self.is_calibrated else UNCALIBRATED_AGREEMENT

    @property
    def is_certain(self) -> bool:
        """Whether the limit is stated or calibrated, rather than a guess."""
        return self._fixed > CALIBRATED or self.is_calibrated

    @property
    def origin(self) -> str:
        """Where the limit comes from, in words."""
        if self._fixed > CALIBRATED:
            return 'gallery.similarity_min'
        if self.is_calibrated:
            return f'calibrated to a false accept rate of {self._rate:g}'
        of = ' and '.join(self._calibrations) or 'no model'
        return (f'{UNCALIBRATED_MIN:g}, a guess: the calibration is of {of}, the features are of '
                f'{self.model_id or "no model yet"}; run latent-rag calibrate')

    def confidence(self, similarity: float, identities: int) -> float:
        """Return the calibrated probability of a match; NaN without a calibration of the model."""
        if not self.is_calibrated:
            return math.nan
        return self._calibration.confidence(similarity, identities)
