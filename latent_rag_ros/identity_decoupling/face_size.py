"""How large a face is for the networks that replace it."""
from __future__ import annotations

SIDE_PX = 96
"""Side of the square pictures. At 640 x 480 most faces that a robot sees are smaller still."""

PATCH_PX = 3
"""Side of the patches that the finest maps hold as channels: convolutions at full size cost most
of the time and gain little."""

MAP_SIDE = SIDE_PX // PATCH_PX // 2
"""Side of latents and of attribute maps."""
