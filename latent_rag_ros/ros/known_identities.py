"""Which identity every track is, as the reidentifier last said: for the overlay, nothing else."""
from __future__ import annotations

from rclpy.node import Node
from std_msgs.msg import Header

from latent_rag_ros.msg import IdentityMatchArray
from latent_rag_ros.ros.identity_messages import stamp_ns
from latent_rag_ros.ros.qos import IDENTITIES

MEMORY_NS = 5_000_000_000
"""What was said longer ago, by the stamps of the frames, is not shown: track numbers begin anew
with every run of the filter."""


class KnownIdentities:
    """Subscribes `identity_matches` from creation to `close`.

    Parameters
    ----------
    node : Node
        Node that owns the subscription.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._known: dict[tuple[str, int], tuple[int, int]] = {}
        self._subscription = node.create_subscription(
            IdentityMatchArray, 'identity_matches', self._note, IDENTITIES)

    def of(self, header: Header) -> dict[int, int]:
        """Return the identity of each track of a camera that was known about when a frame was."""
        now_ns = stamp_ns(header.stamp)
        return {track: identity for (camera, track), (identity, said_ns) in self._known.items()
                if camera == header.frame_id and abs(now_ns - said_ns) <= MEMORY_NS}

    def close(self) -> None:
        """End the subscription."""
        self._node.destroy_subscription(self._subscription)

    def _note(self, message: IdentityMatchArray) -> None:
        now_ns, camera = stamp_ns(message.header.stamp), message.header.frame_id
        kept = {key: said for key, said in self._known.items()
                if abs(now_ns - said[1]) <= MEMORY_NS}
        kept.update({(camera, match.track_id): (match.identity_id, now_ns)
                     for match in message.matches if match.known})
        self._known = kept  # replaced at once: frames are drawn in another thread
