"""The values that travel through the filter, from the raw frame to the protected one."""
from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from latent_rag_ros.protection.evidence import EvidenceFrame

ImageArray = NDArray[np.uint8]
"""One image, shape (height, width, 3), dtype uint8, channel order RGB."""

MaskArray = NDArray[np.bool_]
"""One mask, shape (height, width), dtype bool."""


class Outcome(IntEnum):
    """How a frame ended. Every received frame ends in exactly one of these."""

    PROTECTED = 0
    BLANKED = 1
    DROPPED = 2


class Reason(IntEnum):
    """Why the filter is not in its normal state; the values equal `ProtectionStatus.REASON_*`."""

    NONE = 0
    NOT_ACTIVE = 1
    NO_INPUT = 2
    UNSUPPORTED_ENCODING = 3
    MALFORMED_IMAGE = 4
    DETECTOR_FAILED = 5
    EMBEDDER_FAILED = 6
    GENERATOR_FAILED = 7
    LATE = 8
    NOT_VERIFIED = 9
    TOO_SMALL = 10
    INTERNAL_ERROR = 11
    MISSED = 12
    STALE = 13
    SOURCE_STUCK = 14
    OUT_OF_MEMORY = 15
    WORKER_HUNG = 16
    ERROR_BUDGET = 17
    UNCERTAIN = 18


class Fill(IntEnum):
    """What covers a person; the values equal `IdentityFeature.FILL_*`."""

    SYNTHETIC = 0
    SOLID = 1


@dataclass(frozen=True)
class Box:
    """An axis-aligned rectangle in pixels: left and top included, right and bottom excluded."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width_px(self) -> int:
        """Width in pixels, never negative."""
        return max(0, self.right - self.left)

    @property
    def height_px(self) -> int:
        """Height in pixels, never negative."""
        return max(0, self.bottom - self.top)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices, to index an image of shape (height, width, ...)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def united(self, other: Box) -> Box:
        """Return the smallest box that holds both."""
        return Box(min(self.left, other.left), min(self.top, other.top),
                   max(self.right, other.right), max(self.bottom, other.bottom))

    def grown(self, margin_px: int) -> Box:
        """Return the box moved outwards by `margin_px` on every side; may leave the image."""
        return Box(self.left - margin_px, self.top - margin_px,
                   self.right + margin_px, self.bottom + margin_px)

    def moved(self, right_px: int, down_px: int) -> Box:
        """Return the box elsewhere."""
        return Box(self.left + right_px, self.top + down_px,
                   self.right + right_px, self.bottom + down_px)

    def clipped(self, height_px: int, width_px: int) -> Box:
        """Return the part of this box that lies inside an image of the given size."""
        left, top = (min(max(self.left, 0), width_px), min(max(self.top, 0), height_px))
        right = min(max(self.right, left), width_px)
        bottom = min(max(self.bottom, top), height_px)
        return Box(left, top, right, bottom)


    def clipped_to(self, other: Box) -> Box:
        """Return the part of this box that lies inside another one; without pixels if none."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        return Box(left, top, max(left, min(self.right, other.right)),
                   max(top, min(self.bottom, other.bottom)))


@dataclass(frozen=True)
class Frame:
    """One raw frame on its way into the filter.

    Parameters
    ----------
    image : ImageArray
        Raw pixels, RGB. They never leave the filter.
    received_s : float
        Monotonic clock at reception, in seconds; the deadline counts from here.
    stamp_s : float, optional
        When the picture was taken, on any clock that does not go back, in seconds; how long a
        missed person is remembered counts on it. None takes `received_s`.
    """

    image: ImageArray
    received_s: float
    stamp_s: float | None = None


@dataclass(frozen=True)
class Detection:
    """One person as the detector saw it.

    Parameters
    ----------
    box : Box
        The best box: what the person is recognised in.
    score : float
        Score of that box, 0..1.
    extent : Box, optional
        Everything that may belong to the person, around the box; None stands for the box.
    """

    box: Box
    score: float
    extent: Box | None = None

    @property
    def covered(self) -> Box:
        """What must be covered: the extent where there is one, else the box."""
        return self.box if self.extent is None else self.extent


@dataclass(frozen=True)
class TrackedPerson:
    """One person as the tracker knows it.

    Parameters
    ----------
    track_id : int
        Unique in this run of the filter, from 1 upwards, never used again.
    box : Box
        Detected box, or the predicted one while the detector misses the person.
    score : float
        Score of the last detection, 0..1.
    missed_frames : int
        Frames since the last detection; 0 means detected in this frame.
    extent : Box, optional
        Everything that may belong to the person, around the box; None stands for the box.
    is_certain : bool
        Whether the detector was ever sure of the person. Who is not certain may be a thing or a
        part of somebody: covered like everybody, with no effort to replace or recognise.
    """

    track_id: int
    box: Box
    score: float
    missed_frames: int
    extent: Box | None = None
    is_certain: bool = True

    @property
    def covered(self) -> Box:
        """What must be covered: the extent where there is one, else the box."""
        return self.box if self.extent is None else self.extent


@dataclass(frozen=True)
class Region:
    """The pixels of one person: box and mask united and grown. No input pixel survives here.

    Parameters
    ----------
    track_id : int
        The track this region belongs to.
    bounds : Box
        Smallest box that holds the region, inside the image.
    mask : MaskArray
        Shape (bounds.height_px, bounds.width_px); True where the person may be.
    crop_box : Box
        The person's own box inside the image: what the embedder looks at and the patch stands for.
    """

    track_id: int
    bounds: Box
    mask: MaskArray
    crop_box: Box


@dataclass(frozen=True)
class ProtectedPerson:
    """One person of a protected frame, as it may be published.

    Parameters
    ----------
    track_id : int
        The person's track.
    box : Box
        Bounds of the covered region.
    score : float
        Detector score of the last detection, 0..1.
    missed_frames : int
        Frames since the last detection; 0 means detected in this frame.
    fill : Fill
        Synthetic patch or solid colour.
    reason : Reason
        Why the fill is solid; `Reason.NONE` for a synthetic patch.
    feature : NDArray or None
        Identity feature, shape (dimension,), float32, L2-normalised; None when there is none.
    cosine, psnr_db, ssim : float
        Verification of the 8-bit patch against the input crop; NaN for a solid fill.
    """

    track_id: int
    box: Box
    score: float
    missed_frames: int
    fill: Fill
    reason: Reason
    feature: NDArray[np.float32] | None = None
    cosine: float = float('nan')
    psnr_db: float = float('nan')
    ssim: float = float('nan')


@dataclass(frozen=True)
class ProtectedFrame:
    """What may be published of one frame. Only `protection.pipeline` creates these.

    Parameters
    ----------
    image : ImageArray
        Publishable pixels, RGB, size of the input.
    outcome : Outcome
        PROTECTED or BLANKED.
    reason : Reason
        Why the frame was blanked, or the worst reason among its persons.
    persons : tuple of ProtectedPerson
        Empty for a blanked frame.
    covered : MaskArray
        True where no input pixel was kept; all True for a blanked frame.
    latency_s : dict
        Seconds per stage, in the order of the stages.
    message : str
        One line for a human; never holds image content.
    evidence : EvidenceFrame, optional
        The same frame with heads replaced and bodies kept, where the method makes one; None for a
        blanked frame.
    """

    image: ImageArray
    outcome: Outcome
    reason: Reason
    persons: tuple[ProtectedPerson, ...]
    covered: MaskArray
    latency_s: dict[str, float] = field(default_factory=dict)
    message: str = ''
    evidence: EvidenceFrame | None = None
