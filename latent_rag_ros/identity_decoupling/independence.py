"""The term that keeps the two codes apart by their gradients.

Paper, section 3.3, names a gradient-based independence term without its form. Ours: what the
encoder calls attributes must not change when a face is decoded with another identity,

    L = E || d E_attr(Dec(z_id, z_attr)) / d z_id . v ||^2,    v uniform on the sphere,

estimated by a finite difference along v, which needs no second derivative.
"""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

STEP = 0.1


def gradient_dependence(attributes_of: Callable[[Tensor], Tensor],
                        decode: Callable[[Tensor, Tensor], Tensor], identity: Tensor,
                        attributes: Tensor) -> Tensor:
    """Return the mean squared slope of the attributes along a random change of identity.

    Parameters
    ----------
    attributes_of : callable
        Faces to attribute maps (n, c, h, w).
    decode : callable
        Identity (n, d) and attributes to faces.
    identity, attributes : Tensor
        Codes that belong together; the scalar result has gradients to all networks.
    """
    direction = functional.normalize(torch.randn_like(identity), dim=1)
    moved = functional.normalize(identity + STEP * direction, dim=1)
    here = attributes_of(decode(identity, attributes))
    there = attributes_of(decode(moved, attributes))
    return ((there - here) / STEP).square().mean()
