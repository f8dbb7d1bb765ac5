"""From linear light to what a cheap camera stores: tone, blur, noise, sharpening, JPEG."""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .geometry import Floats
from .light import Light


@dataclass(frozen=True)
class Imaging:
    """How one camera makes pictures; blur radii are pixels of the camera's own picture.

    Parameters
    ----------
    white_balance : NDArray
        Shape (3,): gain of red, green and blue.
    exposure, gamma, contrast, saturation : float
        Gain of linear light, exponent relative to sRGB, strength of the S curve 0..1 and of the
        colours (1 leaves them).
    noise : float
        Standard deviation of the noise of a mid-grey pixel, 0..1.
    blur_px, motion_px : float
        Radius of the lens blur, and the longest motion blur.
    sharpening : float
        Strength of the unsharp mask that cheap cameras apply.
    jpeg_quality : int
        Mean quality, 0..100.
    """

    white_balance: NDArray[np.float64]
    exposure: float
    gamma: float
    contrast: float
    saturation: float
    noise: float
    blur_px: float
    motion_px: float
    sharpening: float
    jpeg_quality: int


def sample_imaging(rng: np.random.Generator, night: bool, light: Light) -> Imaging:
    """Draw a camera; at night it is noisy, blurred, dim and pale.

    Its automatic white balance removes most of the tint of the light, never all.
    """
    tint = light.sky + light.ground + 0.4 * light.sun
    return Imaging(
        np.exp(rng.normal(0, 0.05, 3)) * (tint / tint.mean()) ** -rng.uniform(0.5, 1.0),
        rng.uniform(0.75, 1.75) * (0.8 if night else 1),
        rng.uniform(0.85, 1.15), rng.uniform(0, 0.8),
        rng.uniform(0.65, 1.25) * (0.7 if night else 1),
        rng.uniform(0.003, 0.020) * (2.2 if night else 1), rng.uniform(0, 0.9),
        rng.uniform(0, 5) * (1.5 if night else 1),
        rng.uniform(0.3, 1.3) if rng.random() < 0.4 else 0.0, int(rng.uniform(45, 93)))


def developed(radiance: Floats, imaging: Imaging) -> Floats:
    """Return linear RGB (h, w, 3) as display values in 0..1."""
    picture = radiance * (imaging.exposure * imaging.white_balance).astype(np.float32)
    grey = picture.mean(2, keepdims=True)
    picture = np.maximum(grey + (picture - grey) * np.float32(imaging.saturation), 0)
    picture = picture / (1 + 0.18 * picture) * 1.10
    picture = np.clip(picture, 0, 1) ** np.float32(imaging.gamma / 2.2)
    curve = picture * picture * (3 - 2 * picture)
    return picture + (curve - picture) * np.float32(imaging.contrast)


def degraded(picture: Floats, imaging: Imaging, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a display picture (h, w, 3) in 0..1 as 8-bit RGB after lens, sensor and JPEG."""
    blur = imaging.blur_px * rng.uniform(0.3, 1.3)
    if blur > 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    motion = imaging.motion_px * rng.random()
    if rng.random() < 0.35 and motion > 1.5:
        picture = cv2.filter2D(picture, -1, _motion_kernel(motion, rng.uniform(0, np.pi)))
    if imaging.sharpening > 0:
        soft = cv2.GaussianBlur(picture, (0, 0), 1.0)
        picture = picture + np.float32(imaging.sharpening) * (picture - soft)
    picture = picture * np.float32(rng.uniform(0.85, 1.15)) + np.float32(rng.uniform(-.03, .03))
    grain = rng.standard_normal(picture.shape, np.float32)
    picture = np.clip(picture + np.float32(imaging.noise) * grain, 0, 1)
    quality = int(np.clip(imaging.jpeg_quality + rng.integers(-10, 10), 30, 95))
    stored = cv2.imencode('.jpg', (picture[..., ::-1] * 255 + 0.5).astype(np.uint8),
                          [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(stored, cv2.IMREAD_COLOR)[..., ::-1]


def _motion_kernel(length_px: float, angle_rad: float) -> Floats:
    """Return a line of the given length as a kernel of sum 1."""
    half = max(1, int(np.ceil(length_px / 2)))
    along = np.linspace(-length_px / 2, length_px / 2, 8 * half)
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    rows = np.round(half + along * np.sin(angle_rad)).astype(int)
    columns = np.round(half + along * np.cos(angle_rad)).astype(int)
    np.add.at(kernel, (rows, columns), 1)
    return kernel / kernel.sum()
