"""Makes the evidence image: the protected one, in which bodies come back and heads do not.

It begins with everybody covered. Input pixels are let in only where a person's head has a new face
or a neutral fill, and never inside the head or the region of somebody who stays covered: what is
forgotten here stays covered.
"""
from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from latent_rag_ros.identity_decoupling.head_blend import blended, head_opacity
from latent_rag_ros.protection.evidence import HeadFill
from latent_rag_ros.protection.evidence_method import HeadCover
from latent_rag_ros.protection.types import ImageArray, MaskArray

NEUTRAL_LEVEL = 127


def compose_evidence(image: ImageArray, protected: ImageArray,
                     covers: Sequence[HeadCover]) -> tuple[ImageArray, MaskArray]:
    """Return the evidence image, and where it may differ from the input.

    Parameters
    ----------
    image : ImageArray
        The raw picture.
    protected : ImageArray
        The same picture with every person covered.
    covers : sequence of HeadCover
        What becomes of every person and every face.
    """
    canvas = np.array(protected, order='C')
    shown, hidden = _persons(covers, image.shape[:2])
    for cover in covers:
        if cover.face.fill == HeadFill.NEUTRAL:
            shown[cover.face.box.slices] = False
        elif cover.face.fill == HeadFill.REPLACED:
            inside, opacity, _ = _head(cover, image.shape[:2])
            shown[inside] &= opacity < 1
    cv2.copyTo(image, shown.view(np.uint8), canvas)
    changed = hidden.copy()
    for cover in covers:
        if cover.face.fill == HeadFill.REPLACED:
            inside, opacity, face = _head(cover, image.shape[:2])
            touched = (opacity > 0) & ~hidden[inside]
            canvas[inside][touched] = blended(canvas[inside], face, opacity)[touched]
            changed[inside] |= touched
    for cover in covers:
        if cover.face.fill == HeadFill.NEUTRAL:
            inside = cover.face.box.slices
            canvas[inside][~hidden[inside]] = NEUTRAL_LEVEL
            changed[inside] = True
    return canvas, changed


def _persons(covers: Sequence[HeadCover],
             size: tuple[int, int]) -> tuple[MaskArray, MaskArray]:
    """Return where bodies are shown, and where people are covered whole."""
    shown, hidden = np.zeros(size, bool), np.zeros(size, bool)
    for cover in covers:
        if cover.region is not None:
            whole = cover.face.fill == HeadFill.WHOLE_PERSON
            (hidden if whole else shown)[cover.region.bounds.slices] |= cover.region.mask
    return shown & ~hidden, hidden


def _head(cover: HeadCover, size: tuple[int, int],
          ) -> tuple[tuple[slice, slice], np.ndarray, ImageArray]:
    """Return where a head lies in the image, its opacity there, and the new face there."""
    inside = cover.square.clipped(*size)
    part = inside.moved(-cover.square.left, -cover.square.top).slices
    return inside.slices, head_opacity(cover.square.width_px)[part], cover.pixels[part]
