"""Who on the graph still listens to the raw camera, beside the protector.

A raw topic is what a protector subscribes as its image, under whatever name it was remapped to,
every other image topic of the same camera driver (`image_raw/compressed`, `/theora`, `/ffmpeg` and
the like are the same picture), and every image topic named `image_raw`, so that a camera without a
protector is found too.
"""
from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.topic_endpoint_info import TopicEndpointInfo

RAW_NAME = 'image_raw'
IMAGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
TRANSPORT_TYPES = ('theora_image_transport/msg/Packet',
                   'ffmpeg_image_transport_msgs/msg/FFMPEGPacket')
"""What image_transport plugins send beside `IMAGE_TYPES`."""

STATUS_TYPE = 'latent_rag_ros/msg/ProtectionStatus'
"""Who publishes this is a protector."""

SPIN_PERIOD_S = 0.1


@dataclass(frozen=True)
class Subscriber:
    """One subscription of a raw topic by a node that is no protector.

    Parameters
    ----------
    node : str
        Full name of the node; DDS may not have told it yet.
    topic, type : str
        What it subscribes.
    reliability, durability : str
        Its quality of service.
    depth : int
        Its queue; 0 where DDS does not tell.
    gid : str
        Identity of the DDS endpoint, hexadecimal, for tools of the middleware.
    """

    node: str
    topic: str
    type: str
    reliability: str
    durability: str
    depth: int
    gid: str


@dataclass(frozen=True)
class Audit:
    """What was found: protectors, raw topics with their publishers, and foreign subscribers."""

    protectors: tuple[str, ...]
    raw_topics: tuple[str, ...]
    raw_publishers: tuple[str, ...]
    foreign_subscribers: tuple[Subscriber, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the audit as a dictionary that JSON can hold."""
        return asdict(self)


def is_raw_of(topic: str, bases: Iterable[str]) -> bool:
    """Return whether a topic is one of the raw topics `bases`, or a transport of one of them."""
    return any(topic == base or topic.startswith(f'{base}/') for base in bases)


def base_topic(topic: str) -> str:
    """Return the image a topic is a transport of: `/cam/image_raw/compressed` without its end."""
    head, _, last = topic.rpartition('/')
    return topic if last == RAW_NAME or not head.endswith(f'/{RAW_NAME}') else head


def audit_graph(node: Node, topics: Sequence[str] = ()) -> Audit:
    """Return what the graph of `node` shows at this moment.

    Parameters
    ----------
    node : Node
        Any node that has had time to discover the others.
    topics : sequence of str
        Further raw topics by full name, for cameras that nothing here would recognise.
    """
    types = {name: kinds for name, kinds in node.get_topic_names_and_types()}
    protectors = {_full_name(info) for name, kinds in types.items() if STATUS_TYPE in kinds
                  for info in node.get_publishers_info_by_topic(name)}
    bases = {base_topic(topic) for topic in topics}
    for name, kinds in types.items():
        if _is_image(kinds) and (base_topic(name).rpartition('/')[2] == RAW_NAME or any(
                _full_name(info) in protectors
                for info in node.get_subscriptions_info_by_topic(name))):
            bases.add(base_topic(name))
    raw = sorted(name for name, kinds in types.items()
                 if is_raw_of(name, bases) and (_is_image(kinds) or name in topics))
    publishers = {_full_name(info) for name in raw
                  for info in node.get_publishers_info_by_topic(name)}
    subscribers = [_subscriber(name, info) for name in raw
                   for info in node.get_subscriptions_info_by_topic(name)
                   if _full_name(info) not in protectors]
    return Audit(tuple(sorted(protectors)), tuple(raw), tuple(sorted(publishers)),
                 tuple(sorted(subscribers, key=lambda row: (row.node, row.topic, row.gid))))


def audit(discovery_s: float, topics: Sequence[str] = ()) -> Audit:
    """Look at the graph for `discovery_s` seconds from a node of its own; return what is there.

    Only what DDS discovers is seen: same domain, same security enclave rules, same network.
    """
    context = Context()
    rclpy.init(context=context)
    node = Node('raw_camera_audit', context=context, use_global_arguments=False,
                start_parameter_services=False)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        end_s = time.monotonic() + discovery_s
        while time.monotonic() < end_s:
            executor.spin_once(timeout_sec=SPIN_PERIOD_S)
        return audit_graph(node, topics)
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown(context=context)


def _is_image(kinds: Sequence[str]) -> bool:
    return any(kind in IMAGE_TYPES + TRANSPORT_TYPES for kind in kinds)


def _full_name(info: TopicEndpointInfo) -> str:
    return f'{info.node_namespace.rstrip("/")}/{info.node_name}'


def _subscriber(topic: str, info: TopicEndpointInfo) -> Subscriber:
    qos = info.qos_profile
    return Subscriber(_full_name(info), topic, info.topic_type, qos.reliability.name.lower(),
                      qos.durability.name.lower(), qos.depth, bytes(info.endpoint_gid).hex())
