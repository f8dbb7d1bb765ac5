"""Draws what the filter knows on protected pixels, for a person who watches it work."""
from __future__ import annotations

from collections.abc import Mapping

import cv2

from latent_rag_ros.protection.types import Fill, ImageArray, ProtectedFrame

SYNTHETIC_COLOUR, SOLID_COLOUR, TEXT_COLOUR = (60, 220, 60), (255, 160, 0), (255, 255, 255)
FONT, LINE_PX = cv2.FONT_HERSHEY_SIMPLEX, 16


def draw_overlay(frame: ProtectedFrame, state: str,
                 identities: Mapping[int, int] | None = None) -> ImageArray:
    """Return a copy of the protected pixels with boxes, numbers, fills and one line of state.

    Parameters
    ----------
    frame : ProtectedFrame
        Its image has shape (height, width, 3), uint8, RGB.
    state : str
        What stands in the first line.
    identities : Mapping, optional
        Identity of the tracks that the reidentifier knows; drawn as `#identity` behind the track.
    """
    known = identities or {}
    canvas = frame.image.copy()
    for person in frame.persons:
        synthetic = person.fill == Fill.SYNTHETIC
        colour = SYNTHETIC_COLOUR if synthetic else SOLID_COLOUR
        box = person.box
        cv2.rectangle(canvas, (box.left, box.top), (box.right - 1, box.bottom - 1), colour)
        number = f' #{known[person.track_id]}' if person.track_id in known else ''
        fill = 'SYNTH' if synthetic else f'SOLID {person.reason.name}'
        label = f'{person.track_id}{number} {fill}'
        _write(canvas, label, box.left, max(box.top - 4, 2 * LINE_PX), colour)
    _write(canvas, state, 2, LINE_PX - 4, TEXT_COLOUR)
    return canvas


def _write(canvas: ImageArray, text: str, left: int, baseline: int,
           colour: tuple[int, int, int]) -> None:
    """Write one line with a dark rim, which is readable on every ground."""
    for thickness, ink in ((3, (0, 0, 0)), (1, colour)):
        cv2.putText(canvas, text, (left, baseline), FONT, 0.4, ink, thickness, cv2.LINE_AA)
