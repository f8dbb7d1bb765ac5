"""The topic `identities` carries what the protection head makes of a feature, and nothing else."""
from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from rclpy.context import Context

from latent_rag_ros.feature_privacy.protection_head import ProtectionHead
from latent_rag_ros.identity.embedder import Embedder
from latent_rag_ros.msg import IdentityFeatureArray, IdentityMatchArray
from latent_rag_ros.parameters import Value
from latent_rag_ros.perception.tracker import Tracker
from latent_rag_ros.protection.assembly import Parts
from latent_rag_ros.protection.method import SolidMethod
from latent_rag_ros.protection.pipeline import ProtectionPipeline

from .conftest import Graph, Process, StartNode
from .protector_bench import PERSON, KnownPersons, ProtectorBench, message_of

MODEL_ID = 'embedder-0123456789ab+head-ba9876543210'
PARAMETERS = {'guard__deadline_s': 60.0, 'guard__hang_timeout_s': 60.0,
              'identity__height_px_min': 8, 'identity__every_frames': 1,
              'identity__key_file': 'none'}


class WatchedEmbedder(Embedder):
    """An embedder that remembers every feature that it gave."""

    def __init__(self) -> None:
        super().__init__()
        self.plain: list[np.ndarray] = []

    def embed(self, crops: torch.Tensor) -> torch.Tensor:
        """Return features, see `Embedder.embed`."""
        features = super().embed(crops)
        self.plain.extend(features.numpy())
        return features


@pytest.fixture(scope='module')
def networks() -> tuple[WatchedEmbedder, ProtectionHead]:
    """Return random networks; the head is far from the identity."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        embedder, head = WatchedEmbedder(), ProtectionHead()
        torch.nn.init.normal_(head.turns)
    return tuple(network.eval().requires_grad_(False) for network in (embedder, head))


@pytest.fixture
def protector(graph: Graph, contexts: tuple[Context, Context],
              networks: tuple[WatchedEmbedder, ProtectionHead]) -> Iterator[ProtectorBench]:
    """Return a protector with that embedder and that head, and no key."""
    def factory(values: dict[str, Value]) -> ProtectionPipeline:
        parts = Parts(KnownPersons(PERSON), None, Tracker(0.2, 3), networks[0], SolidMethod(),
                      'cpu', MODEL_ID, head=networks[1])
        return ProtectionPipeline(parts, values)

    bench = ProtectorBench(graph, contexts[1], factory, **PARAMETERS)
    yield bench
    bench.close()


def published(protector: ProtectorBench) -> list[np.ndarray]:
    """Return all features that were on the topic."""
    return [np.array(person.feature, np.float32) for array in protector.identities
            for person in array.identities if len(person.feature)]


def test_topic_carries_the_feature_of_the_head_and_never_the_plain_one(protector, networks):
    embedder, head = networks
    for number in range(3):
        protector.protect(message_of(number))
    protector.wait_for(lambda: len(protector.identities) == 3, 'identities')
    features = published(protector)
    wanted = head.protect(torch.from_numpy(np.array(embedder.plain[-3:]))).numpy()
    assert np.array(features) == pytest.approx(wanted, abs=1e-5)
    assert np.abs(np.array(features) @ np.array(embedder.plain).T).max() < 0.9
    assert {array.model_id for array in protector.identities} == {MODEL_ID}


def test_no_feature_leaves_when_the_head_fails(protector, networks):
    shifts = networks[1].shifts
    shifts.fill_(torch.nan)
    try:
        protector.protect(message_of(1))
        protector.wait_for(lambda: protector.identities, 'identities')
        assert [len(person.feature) for person in protector.identities[0].identities] == [0]
        assert protector.status.identities_published == 0
    finally:
        shifts.zero_()


def test_gallery_of_plain_features_refuses_protected_ones(
        graph: Graph, start_node: StartNode, protector: ProtectorBench) -> None:
    """Both have one length and may have one key: only the name of the model tells them apart."""
    process: Process = start_node('reidentifier', {'gallery.observations_min': 1,
                                                   'quality.height_px_min': 1})
    matches = graph.collect(IdentityMatchArray, 'identity_matches')
    publisher = graph.publisher(IdentityFeatureArray, 'identities')
    graph.wait_for(lambda: graph.node.count_publishers('identity_matches'), 'reidentifier')
    protector.protect(message_of(1))
    protector.wait_for(lambda: published(protector), 'identities')
    plain = protector.identities[-1]
    plain.model_id = MODEL_ID.partition('+')[0]

    def enrolled() -> bool:
        publisher.publish(plain)
        return any(match.known for array in matches for match in array.matches)

    graph.wait_for(enrolled, 'known identity')
    protector.protect(message_of(2))
    graph.wait_for(lambda: 'do not compare' in process.log, 'refusal')
