"""The evidence image of the real protector: header exact, heads never raw, blank with frames."""
from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from rclpy.context import Context
from sensor_msgs.msg import Image

from latent_rag_ros.identity_decoupling.face_folders import FaceSettings, load_face_replacer
from latent_rag_ros.identity_decoupling.face_replacer import FaceReplacer
from latent_rag_ros.identity_decoupling.face_square import face_square
from latent_rag_ros.identity_decoupling.head_blend import head_opacity
from latent_rag_ros.msg import EvidenceArray, EvidenceFace, ProtectionStatus
from latent_rag_ros.parameters import Value
from latent_rag_ros.perception.tracker import Tracker
from latent_rag_ros.protection.assembly import Parts
from latent_rag_ros.protection.evidence_method import EvidenceMethod, EvidenceSettings
from latent_rag_ros.protection.method import SolidMethod
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.types import Box
from latent_rag_ros.ros.images import to_rgb
from latent_rag_ros.ros.qos import PROTECTED_IMAGE

from .conftest import Graph
from .protector_bench import KnownPersons, ProtectorBench, header_of, message_of

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from face_parts import KnownFaces, landmarks_at, write_random_faces  # noqa: E402

PERSON, HEAD = Box(60, 20, 130, 170), landmarks_at(78, 24, 34)
HEIGHT, WIDTH = 200, 220
PATIENT = {'protection__method': 'identity_decoupled', 'guard__deadline_s': 60.0,
           'guard__hang_timeout_s': 120.0, 'evidence__publish_measurements': True}


class EvidenceBench(ProtectorBench):
    """A protector that makes evidence images, and what it publishes of them."""

    def __init__(self, graph: Graph, context: Context, replacer: FaceReplacer,
                 **parameters: object) -> None:
        """Start the node behind a detector that knows where everybody is."""
        self.persons, self.faces = KnownPersons(PERSON), KnownFaces(HEAD)
        self.evidence_images = graph.collect(Image, 'evidence/image', PROTECTED_IMAGE)
        self.evidences = graph.collect(EvidenceArray, 'evidence')
        method = EvidenceMethod(self.faces, replacer, EvidenceSettings(16), 'face-test')

        def factory(values: dict[str, Value]) -> ProtectionPipeline:
            parts = Parts(self.persons, None, Tracker(0.2, 3), None, SolidMethod(), 'cpu', '',
                          evidence=method)
            return ProtectionPipeline(parts, {**values, 'detector.every_frames': 1})

        super().__init__(graph, context, factory, **{**PATIENT, **parameters})

    def wait_for_discovery(self) -> None:
        """Wait until the node's publishers know this test's subscriptions."""
        super().wait_for_discovery()
        for topic in ('/evidence', '/evidence/image'):
            self.wait_for(lambda: any(
                publisher.topic_name == topic and publisher.get_subscription_count()
                for publisher in self.node.publishers), topic)

    def evidence(self, message: Image) -> tuple[Image, EvidenceArray]:
        """Publish a message and return the evidence image and what is said about it."""
        self.protect(message)
        self.wait_for(lambda: all(found and found[-1].header == message.header
                                  for found in (self.evidence_images, self.evidences)), 'evidence')
        return self.evidence_images[-1], self.evidences[-1]


@pytest.fixture(scope='module')
def replacer(tmp_path_factory: pytest.TempPathFactory) -> FaceReplacer:
    """Return random face networks behind oracles that know nobody."""
    folder = write_random_faces(tmp_path_factory.mktemp('faces'))
    return load_face_replacer(folder, folder, FaceSettings(steps=1, enforcement_steps=0))


@pytest.fixture
def evidence_bench(graph: Graph, contexts: tuple[Context, Context],
                   replacer: FaceReplacer) -> Iterator[Callable[..., EvidenceBench]]:
    """Return what starts a protector with an evidence image."""
    started: list[EvidenceBench] = []
    replacer.keep_only(set())

    def start(**parameters: object) -> EvidenceBench:
        started.append(EvidenceBench(graph, contexts[1], replacer, **parameters))
        return started[-1]

    yield start
    for bench in started:
        bench.close()


def raw(number: int) -> np.ndarray:
    """Return noise."""
    return np.random.default_rng(number).integers(30, 226, (HEIGHT, WIDTH, 3), np.uint8)


@pytest.mark.parametrize('encoding', ['bgr8', 'rgba8'])
def test_head_is_new_and_the_rest_bit_identical_with_the_header_of_the_frame(
        evidence_bench: Callable[..., EvidenceBench], encoding: str) -> None:
    protector = evidence_bench()
    square = face_square(HEAD)
    opacity = head_opacity(square.width_px)
    outside = np.ones((HEIGHT, WIDTH), bool)
    outside[square.slices] = opacity == 0
    for number in range(3):
        message = message_of(number, encoding, raw(number))
        image, said = protector.evidence(message)
        assert image.header == said.header == header_of(number)
        assert (image.encoding, image.step, image.height) == (encoding, message.step, HEIGHT)
        before, after = to_rgb(message), to_rgb(image)
        assert np.array_equal(after[outside], before[outside])
        same = (after == before).all(axis=2)[square.slices]
        assert same[opacity == 1].mean() < 0.01
        assert not to_rgb(protector.images[-1])[PERSON.slices].any()
    face, = said.faces
    assert (face.track_id, face.fill, face.reason) == (
        1, EvidenceFace.FILL_REPLACED, EvidenceFace.REASON_NONE)
    assert len(face.cosines) == len(face.margins) == len(said.oracles) == 2
    assert min(face.margins) > 0 and face.tries >= 1 and said.sampler_leak_bits >= 0
    assert (said.model_id, said.generator_steps, said.blanked) == ('face-test', 1, False)
    assert protector.status.method == 'identity_decoupled'
    assert (protector.status.frames_received, protector.status.frames_protected) == (3, 3)


def test_measurements_stay_inside_unless_they_are_asked_for(
        evidence_bench: Callable[..., EvidenceBench]) -> None:
    protector = evidence_bench(evidence__publish_measurements=False)
    face, = protector.evidence(message_of(1, image=raw(1)))[1].faces
    assert face.fill == EvidenceFace.FILL_REPLACED
    assert (len(face.cosines), len(face.margins), face.steps, face.tries) == (0, 0, 0, 0)


def test_person_is_covered_whole_while_the_generator_gives_no_numbers(
        evidence_bench: Callable[..., EvidenceBench], monkeypatch: pytest.MonkeyPatch) -> None:
    protector = evidence_bench()
    with monkeypatch.context() as broken:
        broken.setattr('latent_rag_ros.identity_decoupling.autoencoder.FaceAutoencoder.decode',
                       lambda self, latents: torch.full((1, 3, 64, 64), torch.nan))
        image, said = protector.evidence(message_of(1, image=raw(1)))
    assert not to_rgb(image)[PERSON.slices].any()
    assert said.faces[0].reason == EvidenceFace.REASON_FAILED
    assert protector.status.reason == ProtectionStatus.REASON_GENERATOR_FAILED
    assert protector.status.state == ProtectionStatus.STATE_DEGRADED
    _, said = protector.evidence(message_of(2, image=raw(2)))
    assert said.faces[0].fill == EvidenceFace.FILL_REPLACED


def test_evidence_is_blank_when_the_frame_is(
        evidence_bench: Callable[..., EvidenceBench]) -> None:
    protector = evidence_bench()
    protector.persons.failing = True
    image, said = protector.evidence(message_of(1, image=raw(1)))
    assert not to_rgb(image).any() and said.blanked and not said.faces
    protector.persons.failing = False
    assert not protector.evidence(message_of(2, image=raw(2)))[1].blanked
    assert (protector.status.frames_protected, protector.status.frames_blanked) == (1, 1)


def test_late_frame_is_blank_and_its_evidence_never_shown(
        evidence_bench: Callable[..., EvidenceBench]) -> None:
    protector = evidence_bench(guard__deadline_s=1.0)
    protector.persons.gate = threading.Semaphore(0)
    image, said = protector.evidence(message_of(1, image=raw(1)))
    assert not to_rgb(image).any() and said.blanked
    assert protector.status.reason == ProtectionStatus.REASON_LATE
    protector.persons.gate.release()
    protector.persons.gate = None
    protector.evidence(message_of(2, image=raw(2)))
    assert [image.header for image in protector.evidence_images] == [header_of(1), header_of(2)]


def test_nothing_of_a_withheld_frame_is_published(
        evidence_bench: Callable[..., EvidenceBench]) -> None:
    protector = evidence_bench(guard__blank_policy='withhold')
    protector.persons.failing = True
    protector.show(message_of(1, image=raw(1)))
    protector.persons.failing = False
    protector.evidence(message_of(2, image=raw(2)))
    assert [said.header for said in protector.evidences] == [header_of(2)]
    assert [image.header for image in protector.evidence_images] == [header_of(2)]
