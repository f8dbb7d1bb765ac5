"""What nobody would call Latent-RAG: the floors and baselines that stand beside every figure.

A protected picture that is less alike than *another person* is not more private than a random
picture, and a solid colour hides everything at an SSIM that looks bad: PSNR and SSIM rank
unlikeness, not privacy. The floors make the figures readable.
"""
from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.held_out import HeldOutPeople

Images = NDArray[np.uint8]
"""Images of one size, shape (n, height, width, 3), uint8, RGB."""

MID_GREY = 128
BLOCK_PX = 16
BLUR_SIGMA_PX = 6.0


def another_person(people: HeldOutPeople, seed: int = 0) -> Images:
    """Return for every crop a random crop of somebody else.

    Raises `ValueError` when there is only one identity.
    """
    if people.identity_count < 2:
        raise ValueError('people holds one identity; another person needs at least two')
    rng = np.random.default_rng(seed)
    identities = people.labels.identities
    chosen = [rng.choice(np.flatnonzero(identities != identity)) for identity in identities]
    return people.images[chosen]


def mean_image(images: Images, like: Images) -> Images:
    """Return the mean of `images` once for every image of `like`.

    The best guess of somebody who knows such pictures but not this one; give pictures of other
    people than those in `like`.
    """
    mean = np.round(images.mean(axis=0)).astype(np.uint8)
    return np.broadcast_to(mean, like.shape).copy()


def solid(images: Images, level: int) -> Images:
    """Return one grey level, 0..255, in place of every image."""
    return np.full_like(images, level)


def pixelated(images: Images, block_px: int = BLOCK_PX) -> Images:
    """Return images of blocks, `block_px` wide and high, each in its mean colour."""
    height, width = images.shape[1:3]
    small = (max(1, width // block_px), max(1, height // block_px))
    return np.stack([
        cv2.resize(cv2.resize(image, small, interpolation=cv2.INTER_AREA), (width, height),
                   interpolation=cv2.INTER_NEAREST) for image in images])


def blurred(images: Images, sigma_px: float = BLUR_SIGMA_PX) -> Images:
    """Return images blurred by a Gaussian of `sigma_px`."""
    return np.stack([cv2.GaussianBlur(image, (0, 0), sigma_px) for image in images])


def image_floors(people: HeldOutPeople, others: HeldOutPeople, seed: int = 0) -> dict[str, Images]:
    """Return every floor that needs no network, by name.

    Parameters
    ----------
    people : HeldOutPeople
        The crops that are measured.
    others : HeldOutPeople
        Crops of other people, for the mean image.
    seed : int
        Seed of the choice of another person.
    """
    images = people.images
    return {
        'another_person': another_person(people, seed),
        'mean_image': mean_image(others.images, images),
        'mid_grey': solid(images, MID_GREY),
        'solid_black': solid(images, 0),
        f'pixelation_{BLOCK_PX}': pixelated(images),
        f'blur_{BLUR_SIGMA_PX:g}': blurred(images),
    }
