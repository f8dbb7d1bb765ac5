"""The interface of everything that claims to protect people in pictures."""
from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.held_out import HeldOutPeople

Images = NDArray[np.uint8]
"""Pictures of one size, shape (n, 128, 64, 3), uint8, RGB."""


class MethodUnavailable(RuntimeError):
    """A method needs something that is not installed; says what, and how to get it."""


class Method(Protocol):
    """One way to protect people."""

    name: str
    """Key of the method in the results."""

    def protect(self, people: HeldOutPeople) -> Images:
        """Return one protected picture per crop of `people`, in their order and size.

        A method looks at the pictures alone; only a closed store may look at the labels.
        """
