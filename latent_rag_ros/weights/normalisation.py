"""How networks that users bring want their pictures scaled, by name."""
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

NORMALISATIONS: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = MappingProxyType({
    'unit': ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    'imagenet': ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    'signed': ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    'byte': ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),
})
"""Mean and deviation of red, green and blue in 0..1: (x - mean) / deviation."""

COLOUR_ORDERS = ('rgb', 'bgr')
