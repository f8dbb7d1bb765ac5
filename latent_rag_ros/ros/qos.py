"""Quality of service of the topics, and an image subscription that follows its camera."""
from __future__ import annotations

from collections.abc import Callable

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

RELIABLE, BEST_EFFORT = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT

PROTECTED_IMAGE = QoSProfile(depth=1, reliability=RELIABLE)
"""Reliable publishers serve reliable and best-effort viewers."""

IDENTITIES = QoSProfile(depth=10, reliability=RELIABLE)

STATUS = QoSProfile(depth=1, reliability=RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL)
"""Who joins late gets the last status at once."""

CAMERA_INFO = QoSProfile(depth=1, reliability=BEST_EFFORT)


def image_profile(reliability: ReliabilityPolicy) -> QoSProfile:
    """Return the profile of an image subscription. Depth 1: a queue only makes images older."""
    return QoSProfile(depth=1, reliability=reliability)


class ImageSubscription:
    """Subscribes to one image topic with the reliability of its publishers.

    A reliable subscriber gets nothing from a best-effort camera, and a best-effort subscriber
    loses large images of a reliable one. So `auto` begins reliable, looks at the publishers now
    and then, and subscribes again when they want something else.

    Parameters
    ----------
    node : Node
        Node that owns the subscription.
    message_type : type
        Image or CompressedImage.
    topic : str
        Topic name, before remapping.
    reliability : str
        auto, reliable or best_effort.
    callback : Callable
        Called with every message.
    """

    def __init__(self, node: Node, message_type: type, topic: str, reliability: str,
                 callback: Callable[[object], None]) -> None:
        self._node, self._type, self._topic = node, message_type, topic
        self._follows, self._callback = reliability == 'auto', callback
        self.reliability = BEST_EFFORT if reliability == 'best_effort' else RELIABLE
        wanted = self._wanted() if self._follows else None
        self._subscribe(wanted or self.reliability)

    def _subscribe(self, reliability: ReliabilityPolicy) -> None:
        self.reliability = reliability
        # `auto` reacts to an incompatible camera itself; the default would only warn about it.
        events = SubscriptionEventCallbacks(use_default_callbacks=not self._follows)
        self._subscription = self._node.create_subscription(
            self._type, self._topic, self._callback, image_profile(reliability),
            event_callbacks=events)

    def follow(self) -> bool:
        """Subscribe again if the publishers want another reliability; return whether they did."""
        wanted = self._wanted() if self._follows else None
        if wanted is None or wanted == self.reliability:
            return False
        self._node.destroy_subscription(self._subscription)
        self._subscribe(wanted)
        self._node.get_logger().info(f'{self.topic} is published {wanted.name.lower()}: '
                                     'subscribed again to match')
        return True

    def _wanted(self) -> ReliabilityPolicy | None:
        """Return what matches all publishers of the topic; None while there is none."""
        publishers = self._node.get_publishers_info_by_topic(
            self._node.resolve_topic_name(self._topic))
        if not publishers:
            return None
        reliable = all(publisher.qos_profile.reliability == RELIABLE for publisher in publishers)
        return RELIABLE if reliable else BEST_EFFORT

    @property
    def topic(self) -> str:
        """Name of the topic after namespace and remapping."""
        return self._subscription.topic_name

    def close(self) -> None:
        """End the subscription."""
        self._node.destroy_subscription(self._subscription)
