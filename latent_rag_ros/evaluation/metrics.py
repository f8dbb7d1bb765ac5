"""PSNR and SSIM of 8-bit images, one value per image.

Evaluation side: scikit-image in double precision. The filter verifies its patches at run time
with its own batched version in `protection.similarity`; a test compares the two.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

PSNR_DB_MAX = 99.0
"""PSNR given to identical images in dB, so that means stay finite."""


def psnr_db(images: NDArray[np.uint8], references: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the peak signal-to-noise ratio of every image to its reference.

    Parameters
    ----------
    images, references : NDArray
        Shape (n, height, width, 3), uint8.

    Returns
    -------
    NDArray
        Shape (n,), float64, in dB; 10 log10(255^2 / mean squared error), at most `PSNR_DB_MAX`.

    Raises
    ------
    ValueError
        The arrays are not uint8 images of one shape.
    """
    _check(images, references)
    difference = images.astype(np.float64) - references
    mean_squared_error = np.square(difference).mean(axis=(1, 2, 3))
    floor = 255.0 ** 2 / 10 ** (PSNR_DB_MAX / 10)
    return 10 * np.log10(255.0 ** 2 / np.maximum(mean_squared_error, floor))


def ssim(images: NDArray[np.uint8], references: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the structural similarity of every image to its reference.

    Wang et al., IEEE TIP 2004: Gaussian window 11x11 with sigma 1.5, K1 .01, K2 .03, mean over the
    channels and over the windows that lie wholly inside the image.

    Parameters
    ----------
    images, references : NDArray
        Shape (n, height, width, 3), uint8, at least 11 pixels high and wide.

    Returns
    -------
    NDArray
        Shape (n,), float64, -1..1.

    Raises
    ------
    ValueError
        The arrays are not uint8 images of one shape.
    """
    _check(images, references)
    # data_range 255 on 8-bit values is the same number as data range 1 on values in 0..1.
    return np.array([
        structural_similarity(image, reference, gaussian_weights=True, sigma=1.5,
                              use_sample_covariance=False, data_range=255, channel_axis=-1)
        for image, reference in zip(images, references)], dtype=np.float64)


def _check(images: NDArray[np.uint8], references: NDArray[np.uint8]) -> None:
    if images.shape != references.shape or images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(f'images have shape {images.shape}, references {references.shape}; '
                         'give two arrays of one shape (n, height, width, 3)')
    if images.dtype != np.uint8 or references.dtype != np.uint8:
        raise ValueError(f'images are {images.dtype}, references {references.dtype}; '
                         'round both to uint8 first: only 8-bit images are measured')
