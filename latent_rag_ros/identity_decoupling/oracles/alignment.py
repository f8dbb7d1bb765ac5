"""Cutting a face out so that its landmarks lie where a recognition network expects them.

Differentiable in the pixels: enforcement sends gradients through the cut. Landmarks are five
points in pixels, the centre of the first pixel at (0, 0): both eyes, tip of the nose, both corners
of the mouth, the one that is left in the picture first.
"""
from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

LANDMARKS = 5

ARCFACE_112_PX = ((38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655),
                  (70.7299, 92.2041))
"""Where ArcFace-type networks expect the landmarks in 112 x 112 pixels."""

DLIB_MEAN_SHAPE = ((.22733, .22140), (.75281, .22122), (.490127, .515625), (.254149, .780233),
                   (.726104, .780233))
"""The same points of dlib's mean face, extent 0..1; eyes are the mean of their corners."""

DLIB_PADDING = 0.25
"""Border around the mean face on each side, relative to it, as dlib cuts its chips."""


def arcface_template(side_px: int) -> Tensor:
    """Return the landmarks (5, 2) of the ArcFace alignment in a square of `side_px`."""
    return torch.tensor(ARCFACE_112_PX) * (side_px / 112)


def dlib_template(side_px: int) -> Tensor:
    """Return the landmarks (5, 2) of dlib's face chips in a square of `side_px`."""
    return (torch.tensor(DLIB_MEAN_SHAPE) + DLIB_PADDING) / (1 + 2 * DLIB_PADDING) * side_px


def similarity(landmarks: Tensor, template: Tensor) -> tuple[Tensor, Tensor]:
    """Return turn-and-scale a and shift b, complex scalars, with template = a landmarks + b.

    Points (k, 2) are the complex numbers x + iy; the least-squares solution is
    a = sum conj(w) z / sum |w|^2 over the centred points. Raises ValueError when all landmarks
    are one point or not finite.
    """
    w, z = (torch.view_as_complex(points.double().contiguous())
            for points in (landmarks, template))
    centred = w - w.mean()
    spread = centred.abs().square().sum()
    if not bool(torch.isfinite(spread)) or spread < 1e-9:
        raise ValueError(f'landmarks {landmarks.tolist()} are one point or not finite; '
                         'they show no face')
    a = (centred.conj() * (z - z.mean())).sum() / spread
    return a, z.mean() - a * w.mean()


def aligned(images: Tensor, landmarks: Tensor, template: Tensor, side_px: int) -> Tensor:
    """Return faces turned, scaled and shifted so that their landmarks meet the template.

    Parameters
    ----------
    images : Tensor
        Shape (n, 3, h, w), float.
    landmarks : Tensor
        Shape (n, 5, 2), pixels of the images; no gradient flows into them.
    template : Tensor
        Shape (5, 2), pixels of the result.
    side_px : int
        Side of the result.

    Returns
    -------
    Tensor
        Shape (n, 3, side_px, side_px), zero outside the image, bilinear; faces more than twice
        as large are averaged down first.

    Raises
    ------
    ValueError
        The shapes do not fit or landmarks show no face.
    """
    if images.ndim != 4 or tuple(landmarks.shape) != (len(images), LANDMARKS, 2):
        raise ValueError(f'images {tuple(images.shape)} with landmarks {tuple(landmarks.shape)}; '
                         'give (n, 3, h, w) and (n, 5, 2)')
    faces = [_aligned(image, points, template, side_px)
             for image, points in zip(images, landmarks.detach().cpu())]
    return torch.stack(faces) if faces else images.new_zeros((0, 3, side_px, side_px))


def _aligned(image: Tensor, landmarks: Tensor, template: Tensor, side_px: int) -> Tensor:
    a, b = similarity(landmarks, template)
    shrink = max(1, min(int(1 / float(a.abs())), *image.shape[1:]))
    if shrink > 1:  # pixel i of the smaller image is the mean of k i .. k i + k - 1
        image = functional.avg_pool2d(image[None], shrink)[0]
        a, b = a * shrink, b + a * complex((shrink - 1) / 2, (shrink - 1) / 2)
    axis = torch.arange(side_px, dtype=torch.float64)
    wanted = torch.complex(axis.expand(side_px, -1), axis[:, None].expand(-1, side_px))
    source = torch.view_as_real((wanted - b) / a)                       # (side, side, 2)
    size = torch.tensor([image.shape[2], image.shape[1]], dtype=torch.float64)
    grid = 2 * (source + 0.5) / size - 1
    return functional.grid_sample(image[None], grid[None].to(image), align_corners=False)[0]
