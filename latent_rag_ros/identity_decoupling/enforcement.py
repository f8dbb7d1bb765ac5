"""Multi-oracle enforcement: a replaced face is changed until no oracle knows the person any more.

Hinge per oracle k, with its own impostor threshold t_k (paper, section 4; its exact form is not
public, the one here is ours):

    L = sum_k a_k max(0, cos(phi_k(face), phi_k(original)) - t_k)

Once every cosine is below its threshold the loss and its gradient are exactly zero, so the
optimisation halts by itself. A face that does not get there within the steps is not released.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from latent_rag_ros.identity_decoupling.oracles.oracle import Oracle

LEVELS = 255


class PrivacyHinge:
    """The hinge of several oracles against the original faces.

    Parameters
    ----------
    oracles : sequence of Oracle
        At least one, none of them held out.
    originals, landmarks : Tensor
        The raw faces (n, 3, h, w), RGB in 0..1, and their landmarks (n, 5, 2). The replaced faces
        lie at the same place: pose and expression are kept.
    margin : float
        How far below its threshold the loss pushes each cosine. A little more than zero keeps
        rounding to 8 bits from lifting a face over the threshold again.

    Raises
    ------
    ValueError
        An oracle is held out, there is none, or the margin is negative.
    """

    def __init__(self, oracles: Sequence[Oracle], originals: Tensor, landmarks: Tensor,
                 margin: float = 0.0) -> None:
        held_out = [oracle.name for oracle in oracles if oracle.held_out]
        if held_out:
            raise ValueError(f'oracle {", ".join(held_out)} is held out; it measures and must '
                             'never be optimised against: leave it out')
        if not oracles:
            raise ValueError('no oracle is given; give at least one that is not held out')
        if margin < 0:
            raise ValueError(f'margin is {margin}; give at least 0')
        self.oracles, self._landmarks, self._margin = tuple(oracles), landmarks, margin
        with torch.no_grad():
            self._originals = [oracle.features(originals, landmarks) for oracle in oracles]

    def excesses(self, faces: Tensor) -> Tensor:
        """Return cosine less threshold, (n, oracles); negative is private."""
        return torch.stack([
            (oracle.features(faces, self._landmarks) * original).sum(1) - oracle.threshold
            for oracle, original in zip(self.oracles, self._originals)], 1)

    def loss(self, faces: Tensor) -> Tensor:
        """Return the hinge of every face (n,): exactly zero once all are below by the margin."""
        return (self.excesses(faces) + self._margin).relu().sum(1)

    @torch.no_grad()
    def holds(self, faces: Tensor) -> Tensor:
        """Return whether each 8-bit face (n,) is below every threshold; not a number is not."""
        return (self.excesses(quantised(faces)) < 0).all(1)


def quantised(faces: Tensor) -> Tensor:
    """Return faces in 0..1 as 8-bit pictures hold them, without gradient."""
    return (faces.detach().clamp(0, 1) * LEVELS).round() / LEVELS


@dataclass(frozen=True)
class Enforced:
    """The outcome of `enforce`.

    Parameters
    ----------
    faces : Tensor
        Shape (n, 3, h, w), 8-bit values in 0..1.
    private : Tensor
        Shape (n,), bool. Faces that are not private must be covered by a solid fill.
    steps : Tensor
        Shape (n,), int64: gradient steps each face took.
    latents : Tensor
        Shape (n, ...): what the faces were decoded from.
    """

    faces: Tensor
    private: Tensor
    steps: Tensor
    latents: Tensor


def enforce(latents: Tensor, decode: Callable[[Tensor], Tensor], hinge: PrivacyHinge,
            steps_max: int = 20, step_size: float = 0.05,
            in_time: Callable[[], bool] = lambda: True) -> Enforced:
    """Move latents down the hinge until every oracle is below its threshold, or give up.

    A step has the length `step_size` times that of the latent; faces that are private already are
    left as they are, bit by bit.

    Parameters
    ----------
    latents : Tensor
        Shape (n, ...), float.
    decode : callable
        Latents to faces (n, 3, h, w), RGB in 0..1, differentiable.
    hinge : PrivacyHinge
        Holds the originals in the same order.
    steps_max : int
        Budget of every face.
    step_size : float
        Length of a step relative to the latent.
    in_time : callable
        No further step is begun once it returns False.
    """
    latents = latents.detach().clone()
    steps = torch.zeros(len(latents), dtype=torch.int64)
    with torch.no_grad():
        faces = quantised(decode(latents))
    private = hinge.holds(faces).cpu()
    for _ in range(steps_max):
        if bool(private.all()) or not in_time():
            break
        moved = _stepped(latents, decode, hinge, step_size)
        active = (~private).to(latents.device)
        latents[active] = moved[active]
        steps[~private] += 1
        with torch.no_grad():
            changed = quantised(decode(latents))
        faces[active] = changed[active]
        private = private | hinge.holds(faces).cpu()
    return Enforced(faces, private, steps, latents)


def _stepped(latents: Tensor, decode: Callable[[Tensor], Tensor], hinge: PrivacyHinge,
             step_size: float) -> Tensor:
    """Return latents one step down the hinge; a gradient that is no number moves nothing."""
    variable = latents.clone().requires_grad_(True)
    gradient, = torch.autograd.grad(hinge.loss(decode(variable)).sum(), variable)
    shape = (-1, *[1] * (latents.ndim - 1))
    length = gradient.flatten(1).norm(dim=1).view(shape)
    scale = step_size * latents.flatten(1).norm(dim=1).view(shape).clamp_min(1e-6)
    step = scale * gradient / length.clamp_min(1e-12)
    return latents - torch.where(torch.isfinite(step), step, 0.0)
