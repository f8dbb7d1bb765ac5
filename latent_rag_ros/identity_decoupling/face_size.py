"""How large a face is for the networks that replace it."""
from __future__ import annotations

SIDE_PX = 64
"""Side of the square pictures. At 640 x 480 most faces that a robot sees are smaller still."""

MAP_SIDE = SIDE_PX // 4
"""Side of latents and of attribute maps."""
