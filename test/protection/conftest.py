"""A filter with real parts and random weights, and frames whose persons are known exactly."""
from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
import torch

from latent_rag_ros.feature_privacy.protection_head import ProtectionHead
from latent_rag_ros.identity.embedder import Embedder
from latent_rag_ros.latent_rag.generator import CODE_DIMENSION, LAYERS, Generator
from latent_rag_ros.latent_rag.presets import PRESETS
from latent_rag_ros.latent_rag.replacer import LatentRagReplacer
from latent_rag_ros.latent_rag.store import RetrievalStore
from latent_rag_ros.parameters import PROTECTOR, checked_values
from latent_rag_ros.perception.tracker import Tracker
from latent_rag_ros.protection.assembly import Parts
from latent_rag_ros.protection.evidence_method import EvidenceMethod
from latent_rag_ros.protection.latent_rag_method import LatentRagMethod
from latent_rag_ros.protection.method import ProtectionMethod, SolidMethod
from latent_rag_ros.protection.pipeline import ProtectionPipeline
from latent_rag_ros.protection.types import Box, Detection, Frame, ImageArray
from latent_rag_ros.protection.verification import Limits


class KnownPersons:
    """A detector that finds exactly the boxes it was given; faults are injected by the tests."""

    def __init__(self, boxes: list[Box]) -> None:
        self.boxes = boxes

    def detect(self, image: ImageArray) -> list[Detection]:
        return [Detection(box, 0.9) for box in self.boxes]


@pytest.fixture
def embedder() -> Embedder:
    torch.manual_seed(2)
    return Embedder().eval().requires_grad_(False)


@pytest.fixture
def replacer(embedder: Embedder) -> LatentRagReplacer:
    torch.manual_seed(3)
    generator = Generator().eval().requires_grad_(False)
    features = torch.nn.functional.normalize(torch.randn(20, 256))
    store = RetrievalStore(features, torch.randn(20, LAYERS, CODE_DIMENSION),
                           torch.arange(20), {})
    return LatentRagReplacer(embedder, generator, store, PRESETS['robot'])


@pytest.fixture
def method(replacer: LatentRagReplacer) -> LatentRagMethod:
    """Latent-RAG with limits that random networks can meet."""
    return LatentRagMethod(replacer, Limits(psnr_db_max=40, ssim_max=0.95, cosine_min=-1))


@pytest.fixture
def make_pipeline(embedder: Embedder) -> Callable[..., ProtectionPipeline]:
    def make(boxes: list[Box], method: ProtectionMethod | None = None,
             head: ProtectionHead | None = None, evidence: EvidenceMethod | None = None,
             **given: object) -> ProtectionPipeline:
        # whatever a test does to the detector counts in the next frame, though nothing moves in it
        given = {'detector__every_frames': 1, **given}
        values = checked_values(PROTECTOR, {name.replace('__', '.'): value
                                            for name, value in given.items()})
        parts = Parts(KnownPersons(boxes), None, Tracker(0.2, values['tracker.memory_frames']),
                      embedder, method or SolidMethod(), 'cpu', 'test', head=head,
                      evidence=evidence)
        return ProtectionPipeline(parts, values)
    return make


@pytest.fixture
def frame() -> Frame:
    """Noise: no two pixels alike, so that a surviving input pixel cannot hide."""
    image = np.random.default_rng(6).integers(1, 256, (240, 320, 3), np.uint8)
    return Frame(image, time.monotonic() + 60.0)  # never late, however slow the machine
