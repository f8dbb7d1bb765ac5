"""The bounded privacy margin: what the extractor gains by spoiling the reversal, and no more.

The published abstract says that the extractor works against the reversal module, not how. A loss
that asks for the largest possible error has no end, and the extractor serves it by moving its
features where the generator never learned to draw. Here the margin is the distance that
the reversal of a *stranger's* feature has from the picture. Once a person's own feature gives
nothing nearer than a stranger's, loss and gradient are 0.
"""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

STRANGERS = 3


def privacy_loss(own: Tensor, stranger: Tensor) -> Tensor:
    """Return E max(0, 1 - d_own / d_stranger), a scalar in 0..1.

    Parameters
    ----------
    own : Tensor
        Distance of each picture to the reversal of its own feature, shape (n,).
    stranger : Tensor
        Its distance to reversals of other people's features, shape (n,); a margin, so no gradient
        flows to it.
    """
    return functional.relu(1 - own / stranger.detach().clamp(min=1e-6)).mean()


def stranger_shifts(count: int, crops_per_person: int) -> list[int]:
    """Draw by how much a batch is rolled so that every row meets other people's rows.

    `count` rows are sorted by person, `crops_per_person` each. The shifts are random because a
    batch is drawn around look-alikes in a regular order: a stranger in the same clothes would be
    a margin that is met while the clothes are plain to see. Raises `ValueError` when there is one
    person only.
    """
    people = count // crops_per_person
    if people < 2:
        raise ValueError(f'{count} crops, {crops_per_person} of each person, show one person; a '
                         'privacy margin needs a stranger: give at least two people')
    steps = 1 + torch.randperm(people - 1)[:STRANGERS]
    return [int(step) * crops_per_person for step in steps]
