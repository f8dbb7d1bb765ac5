"""One raw message on its way through the filter."""
from __future__ import annotations

from dataclasses import dataclass, field

from sensor_msgs.msg import CompressedImage, Image

from latent_rag_ros.protection.types import Frame


@dataclass(eq=False)
class Arrival:
    """A raw message and what became of it; it is changed under its owner's lock only.

    Parameters
    ----------
    message : Image or CompressedImage
        The raw message.
    received_s : float
        Monotonic time of its reception, in seconds.
    begun : bool
        Whether a worker has looked at it.
    ended : bool
        Whether it has been protected, blanked or dropped: it will never be touched again.
    frame : Frame or None
        What went into the pipeline.
    latency_s : dict
        Seconds per stage outside the pipeline.
    """

    message: Image | CompressedImage
    received_s: float
    begun: bool = False
    ended: bool = False
    frame: Frame | None = None
    latency_s: dict[str, float] = field(default_factory=dict)
