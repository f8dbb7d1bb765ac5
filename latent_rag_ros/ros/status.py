"""What the filter does at the moment and why, and counters that always add up."""
from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping

from std_msgs.msg import Header

from latent_rag_ros.msg import ProtectionStatus
from latent_rag_ros.protection.states import State, describe, state_after
from latent_rag_ros.protection.types import Fill, Outcome, ProtectedFrame, Reason

SECOND_MS = 1000.0


class FilterStatus:
    """State, reason and counters of one filter; every method is safe from any thread.

    Every received frame ends as protected, blanked or dropped, or is still pending.

    Parameters
    ----------
    method, device : str
        Protection method in use, and the device its networks really run on.
    """

    def __init__(self, method: str = '', device: str = '') -> None:
        self._lock = threading.Lock()
        self._method, self._device = method, device
        self._state, self._reason, self._message = State.UNCONFIGURED, Reason.NOT_ACTIVE, ''
        self._header, self._latency_s = Header(), {}
        self._counts: Counter[str] = Counter()

    def use(self, method: str, device: str) -> None:
        """Take note of what a fresh pipeline really uses."""
        with self._lock:
            self._method, self._device = method, device

    @property
    def state(self) -> State:
        """The state at this moment."""
        return self._state

    @property
    def text(self) -> str:
        """State, reason and message in one line for a human."""
        with self._lock:
            return describe(self._state, self._reason, self._message)

    def change(self, state: State, reason: Reason, message: str = '') -> bool:
        """Take a state that follows from no frame; return whether anything changed by it."""
        with self._lock:
            before = self._state, self._reason, self._message
            self._state, self._reason, self._message = state, reason, message
            return before != (state, reason, message)

    def receive(self, put: Callable[[], int]) -> None:
        """Count a received frame and the frames that were lost when `put` handed it over."""
        with self._lock:
            self._counts['received'] += 1
            self._counts['dropped'] += put()

    def drop_pending(self) -> None:
        """Count everything that is still pending as dropped: the filter was deactivated."""
        with self._lock:
            self._counts['dropped'] += self._pending()

    def _pending(self) -> int:
        counts = self._counts
        return counts['received'] - sum(counts[end] for end in ('protected', 'blanked', 'dropped'))

    def finish(self, frame: ProtectedFrame, header: Header, identities: int,
               latency_s: Mapping[str, float]) -> bool:
        """Count a protected or blanked frame; return whether state or reason changed by it."""
        with self._lock:
            if frame.outcome == Outcome.PROTECTED:
                self._counts['protected'] += 1
                self._counts['persons'] += len(frame.persons)
                self._counts['solid'] += sum(
                    person.fill == Fill.SOLID for person in frame.persons)
                self._counts['identities'] += identities
            else:
                self._counts['blanked'] += 1
            self._header, self._latency_s = header, dict(latency_s)
            before = self._state, self._reason
            self._state, self._reason = state_after(frame), frame.reason
            self._message = frame.message
            return before != (self._state, self._reason)

    def message(self) -> ProtectionStatus:
        """Return the status as a message; its counters belong to one moment."""
        with self._lock:
            counts = self._counts
            return ProtectionStatus(
                header=self._header, schema_version=ProtectionStatus.SCHEMA_VERSION,
                state=int(self._state), reason=int(self._reason), message=self._message,
                method=self._method, device=self._device,
                frames_received=counts['received'], frames_protected=counts['protected'],
                frames_blanked=counts['blanked'], frames_dropped=counts['dropped'],
                frames_pending=self._pending(),
                persons_protected=counts['persons'], persons_solid=counts['solid'],
                identities_published=counts['identities'],
                latency_stages=list(self._latency_s),
                latency_ms=[seconds * SECOND_MS for seconds in self._latency_s.values()])
