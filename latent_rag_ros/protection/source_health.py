"""Whether the camera still sends, and whether what it sends is new.

Only the monotonic clock of this process counts. The stamps of a camera may lie in the past or in
the future, and simulated time may jump back: they are copied, and compared with nothing but the
stamp before.
"""
from __future__ import annotations


class SilentSource:
    """Notices when nothing arrives.

    Parameters
    ----------
    timeout_s : float
        Longest silence that is no fault, in seconds.
    now_s : float
        Monotonic clock at the start.
    """

    def __init__(self, timeout_s: float, now_s: float) -> None:
        self._timeout_s, self._last_s = timeout_s, now_s
        self.sent = False

    def arrive(self, now_s: float) -> None:
        """Note that something arrived at `now_s`."""
        self._last_s, self.sent = now_s, True

    def is_silent(self, now_s: float) -> bool:
        """Return whether the silence has lasted longer than the timeout."""
        return now_s - self._last_s > self._timeout_s


class StuckSource:
    """Notices when the same picture or the same stamp arrives over and over.

    Parameters
    ----------
    frames : int
        So many equal ones in a row are a fault; 0 looks at nothing.
    """

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._last: dict[str, int] = {}
        self._equal: dict[str, int] = {}

    def add(self, picture: int, stamp: int) -> None:
        """Take a frame into account: a checksum of its bytes, and its stamp (0 = it has none)."""
        for name, value in (('picture', picture), ('stamp', stamp)):
            same = self._last.get(name) == value and (name == 'picture' or value != 0)
            self._equal[name] = self._equal.get(name, 1) + 1 if same else 1
            self._last[name] = value

    @property
    def text(self) -> str:
        """What is repeated, in one line; empty while nothing is."""
        if self._frames == 0:
            return ''
        return next((f'the camera has sent the same {name} {equal} times'
                     for name, equal in self._equal.items() if equal >= self._frames), '')
