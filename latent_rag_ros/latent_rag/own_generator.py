"""A generator that the user brought: TorchScript from codes (n, L, D) to images (n, 3, H, W).

Its sizes are not configured but probed: L and D come from the codes it is to draw (those of the
store, say), H and W from one forward pass.
"""
from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from latent_rag_ros.weights.registry import WeightsError
from latent_rag_ros.weights.torchscript import fingerprint_of, last_line, load_torchscript

RANGES = {'unit': (0.0, 1.0), 'signed': (-1.0, 1.0)}
"""Black and white in the output of a generator, by name."""

TOLERANCE = {'unit': 0.1, 'signed': 1.0}
"""How far outside an output may lie before the range is taken for wrong; the rest is clipped.
Style-based generators end without a limit and overshoot -1..1, sigmoids do not."""

SIDE_PX_MIN = 16


class OwnGenerator:
    """A TorchScript generator whose output is brought to 0..1.

    Parameters
    ----------
    network : nn.Module
        Codes (n, L, D) to images (n, 3, H, W), RGB.
    output_range : str
        One of `RANGES`.
    fingerprint : str
        64 hexadecimal digits that change with the file and with the range.
    differentiable : bool
        Whether gradients flow from the images to the codes, which refinement needs.
    """

    def __init__(self, network: nn.Module, output_range: str, fingerprint: str,
                 differentiable: bool = True) -> None:
        self.network, self.output_range = network, output_range
        self.fingerprint, self.differentiable = fingerprint, differentiable

    def __call__(self, codes: Tensor) -> Tensor:
        """Return images (n, 3, H, W), RGB in 0..1, of codes (n, L, D)."""
        low, high = RANGES[self.output_range]
        return ((self.network(codes).float() - low) / (high - low)).clamp(0, 1)


def coarse_layer_count(layers: int) -> int:
    """Return how many first layers are coarse: ceil(0.2 L) as published, none of a single one."""
    return -(-layers // 5) if layers > 1 else 0


def load_own_generator(path: Path, codes: Tensor, output_range: str,
                       device: str = 'cpu') -> OwnGenerator:
    """Load a generator and try it on codes.

    Parameters
    ----------
    path : Path
        TorchScript archive.
    codes : Tensor
        Codes it is to draw, shape (n, L, D), float; at most the first four are tried.
    output_range : str
        `unit` for images in 0..1, `signed` for -1..1.
    device : str
        Device of the generator.

    Raises
    ------
    WeightsError
        The file is no TorchScript, does not take such codes, or gives something that is no image
        in that range.
    """
    network = load_torchscript(path, device)
    codes = codes[:4].to(device).float().clone().requires_grad_(True)
    wanted = f'(n, {codes.shape[1]}, {codes.shape[2]}) -> (n, 3, H, W)'
    try:
        images = network(codes)
    except RuntimeError as error:
        raise WeightsError(f'{path} fails on codes of shape {tuple(codes.shape)} '
                           f'({last_line(error)}); a generator maps {wanted}: export it that way, '
                           'or build a store with codes of its own shape') from error
    shape = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
    if (not isinstance(images, Tensor) or images.ndim != 4 or images.shape[:2] != (len(codes), 3)
            or min(images.shape[2:]) < SIDE_PX_MIN):
        raise WeightsError(f'{path} returns {shape} for codes of shape {tuple(codes.shape)}; '
                           f'a generator maps {wanted}, H and W at least {SIDE_PX_MIN}')
    _check_range(images.detach(), path, output_range)
    return OwnGenerator(network, output_range, fingerprint_of(path, output_range),
                        images.requires_grad)


def _check_range(images: Tensor, path: Path, output_range: str) -> None:
    if not bool(images.isfinite().all()):
        raise WeightsError(f'{path} returns images that are not finite; check the generator')
    low, high = RANGES[output_range]
    lowest, highest, slack = float(images.min()), float(images.max()), TOLERANCE[output_range]
    if lowest < low - slack or highest > high + slack:
        raise WeightsError(
            f'{path} returns values in {lowest:.3g} .. {highest:.3g}, which is not {low:g} .. '
            f'{high:g}; set latent_rag.generator_range to what it gives (unit is 0 .. 1, signed '
            'is -1 .. 1), or scale its output')
