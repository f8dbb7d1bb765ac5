"""The error of the evaluation that a user can act on."""
from __future__ import annotations


class EvaluationError(RuntimeError):
    """Data or results of the evaluation are missing or unusable. Names the file and the remedy."""
