"""Random scenes: whoever overlaps whom, an input pixel is only where it may be."""
from __future__ import annotations

import numpy as np
import pytest

from latent_rag_ros.identity_decoupling.head_blend import head_opacity
from latent_rag_ros.protection.evidence import EvidenceFace, HeadFill
from latent_rag_ros.protection.evidence_compositing import NEUTRAL_LEVEL, compose_evidence
from latent_rag_ros.protection.evidence_method import HeadCover
from latent_rag_ros.protection.types import Box, Region

HEIGHT, WIDTH = 60, 80
COVERED_LEVEL, FACE_LEVEL, RAW_LEVEL = 0, 40, 200


def random_cover(random: np.random.Generator, track: int) -> HeadCover:
    """Return a cover anywhere, also partly outside of the image."""
    left, top = int(random.integers(0, WIDTH - 12)), int(random.integers(0, HEIGHT - 12))
    bounds = Box(left, top, int(random.integers(left + 8, WIDTH + 1)),
                 int(random.integers(top + 8, HEIGHT + 1)))
    mask = random.random((bounds.height_px, bounds.width_px)) < 0.9
    region = None if random.random() < 0.2 else Region(track, bounds, mask, bounds)
    fill = HeadFill(int(random.integers(0, 3)))
    if region is None or fill == HeadFill.NEUTRAL:
        return HeadCover(EvidenceFace(track, Box(left, top, left + 8, top + 8), HeadFill.NEUTRAL),
                         region=region)
    if fill == HeadFill.WHOLE_PERSON:
        return HeadCover(EvidenceFace(track, bounds, fill), region=region)
    side = int(random.integers(8, 40))
    square = Box(left - 6, top - 6, left - 6 + side, top - 6 + side)
    pixels = np.full((side, side, 3), FACE_LEVEL, np.uint8)
    return HeadCover(EvidenceFace(track, square.clipped(HEIGHT, WIDTH), fill), square, pixels,
                     region)


@pytest.mark.parametrize('seed', range(40))
def test_input_pixels_are_only_where_they_may_be(seed: int) -> None:
    random = np.random.default_rng(seed)
    covers = [random_cover(random, track) for track in range(int(random.integers(0, 6)))]
    image = np.full((HEIGHT, WIDTH, 3), RAW_LEVEL, np.uint8)
    protected, persons, whole, heads, cores, neutral = image.copy(), *np.zeros(
        (5, HEIGHT, WIDTH), bool)
    for cover in covers:
        if cover.region is not None:
            place = cover.region.bounds.slices
            persons[place] |= cover.region.mask
            if cover.face.fill == HeadFill.WHOLE_PERSON:
                whole[place] |= cover.region.mask
        if cover.face.fill == HeadFill.NEUTRAL:
            neutral[cover.face.box.slices] = True
        elif cover.face.fill == HeadFill.REPLACED:
            opacity = padded(cover.square)
            heads |= opacity > 0
            cores |= opacity == 1
    protected[persons] = COVERED_LEVEL
    result, changed = compose_evidence(image, protected, covers)
    level = result[..., 0]
    assert (level[whole] == COVERED_LEVEL).all()
    assert (level[neutral & ~whole] == NEUTRAL_LEVEL).all()
    assert (level[cores & ~whole & ~neutral] == FACE_LEVEL).all()
    untouched = ~(whole | heads | neutral)
    assert (level[untouched] == RAW_LEVEL).all()
    assert (level[~changed] == RAW_LEVEL).all() and not (changed & untouched).any()


def padded(square: Box) -> np.ndarray:
    """Return the opacity of a head in the whole image, shape (HEIGHT, WIDTH)."""
    result, inside = np.zeros((HEIGHT, WIDTH)), square.clipped(HEIGHT, WIDTH)
    result[inside.slices] = head_opacity(square.width_px)[
        inside.moved(-square.left, -square.top).slices]
    return result


def test_protected_image_itself_is_not_changed() -> None:
    image, protected = np.full((2, HEIGHT, WIDTH, 3), RAW_LEVEL, np.uint8)
    protected[:] = COVERED_LEVEL
    compose_evidence(image, protected, [random_cover(np.random.default_rng(1), 1)])
    assert (protected == COVERED_LEVEL).all() and (image == RAW_LEVEL).all()
