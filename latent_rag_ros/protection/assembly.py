"""Builds the parts of the filter from parameters: loads weights, refuses what cannot work."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from latent_rag_ros.device import resolve_device
from latent_rag_ros.engine.choice import resolve_engine
from latent_rag_ros.feature_privacy.protection_head import ProtectionHead, load_protection_head
from latent_rag_ros.feature_privacy.row_names import RUN_NAMES
from latent_rag_ros.identity.embedder import (
    CROP_HEIGHT_PX, CROP_WIDTH_PX, FEATURE_DIMENSION, Embedder, load_embedder)
from latent_rag_ros.identity.fast_embedder import FastEmbedder
from latent_rag_ros.identity.model_id import model_id
from latent_rag_ros.identity.own_embedder import FittedEmbedder
from latent_rag_ros.latent_rag.presets import PRESETS, Preset
from latent_rag_ros.latent_rag.replacer import EMBEDDER_FILE, LatentRagReplacer
from latent_rag_ros.parameters import ParameterError, Value
from latent_rag_ros.perception import nanodet, person_mask
from latent_rag_ros.perception.detection_schedule import Turns
from latent_rag_ros.perception.detector import PersonDetector
from latent_rag_ros.perception.nanodet import NanoDetDetector
from latent_rag_ros.perception.person_mask import PersonMasker
from latent_rag_ros.perception.second_opinion import SecondOpinion
from latent_rag_ros.perception.self_test import SelfTestingDetector, shipped_picture
from latent_rag_ros.perception.tiled_detector import TiledDetector
from latent_rag_ros.perception.tracker import Tracker
from latent_rag_ros.perception.united_detector import UnitedDetector
from latent_rag_ros.protection.evidence_assembly import assemble_evidence, person_method
from latent_rag_ros.protection.evidence_method import EvidenceMethod
from latent_rag_ros.protection.latent_rag_method import LatentRagMethod
from latent_rag_ros.protection.method import ProtectionMethod, SolidMethod
from latent_rag_ros.protection.own_models import (
    own_detector, own_embedder, own_replacer, uses_own_models)
from latent_rag_ros.protection.verification import Limits
from latent_rag_ros.weights.registry import WEIGHTS_DIRECTORY, sha256_of, weights_file

HEAD_FILE = f'{RUN_NAMES["gan"]}.safetensors'


@dataclass(frozen=True)
class Parts:
    """The parts of one filter.

    Parameters
    ----------
    masker, embedder
        None where the parameters switch them off.
    turns : Turns, optional
        The looks of the detector one by one; None where it has one only.
    device : str
        Device of the embedder and the generator.
    model_id : str
        What published features are called, see `identity.model_id`; empty without an embedder.
    embedder_size_px, patch_size_px : tuple of int
        Height and width of the crops that the embedder sees, and of those that the method sees,
        which has the size of its patches.
    feature_dimension : int
        Length of an identity feature.
    head : ProtectionHead, optional
        What features pass before they are published; None publishes plain ones.
    evidence : EvidenceMethod, optional
        Replaces faces for the evidence image; None makes none.
    """

    detector: PersonDetector
    masker: PersonMasker | None
    tracker: Tracker
    embedder: Embedder | FastEmbedder | FittedEmbedder | None
    method: ProtectionMethod
    device: str
    model_id: str
    embedder_size_px: tuple[int, int] = (CROP_HEIGHT_PX, CROP_WIDTH_PX)
    patch_size_px: tuple[int, int] = (CROP_HEIGHT_PX, CROP_WIDTH_PX)
    feature_dimension: int = FEATURE_DIMENSION
    turns: Turns | None = None
    head: ProtectionHead | None = None
    evidence: EvidenceMethod | None = None

    @property
    def has_one_size(self) -> bool:
        """Whether the embedder and the method look at crops of one size."""
        return self.embedder_size_px == self.patch_size_px


def chosen_preset(values: Mapping[str, Value]) -> Preset:
    """Return the preset of `latent_rag.preset` with the single settings that override it."""
    overrides: dict[str, Value] = {}
    if values['latent_rag.attention'] != 'preset':
        overrides['attention'] = values['latent_rag.attention']
    if values['latent_rag.neighbours'] > 0:
        overrides['neighbours'] = values['latent_rag.neighbours']
    if values['latent_rag.iterations'] >= 0:
        overrides['iterations'] = overrides['corrections'] = values['latent_rag.iterations']
        overrides['warm_iterations'] = min(values['latent_rag.iterations'],
                                           PRESETS[values['latent_rag.preset']].warm_iterations)
    return replace(PRESETS[values['latent_rag.preset']], **overrides)


def assemble(values: Mapping[str, Value]) -> Parts:
    """Load everything that `values` (all parameters of the protector) ask for.

    Raises
    ------
    WeightsError
        Weights are missing, damaged, or do not belong together.
    ParameterError
        The device is not there.
    """
    folder = Path(values['weights.directory']) if values['weights.directory'] else None
    device = resolve_device(values['device'])
    masker = None
    if values['mask.enabled'] or values['detector.second_opinion'] == 'segmentation':
        masker = PersonMasker(_path(person_mask.WEIGHTS_NAME, folder), values['mask.score_min'],
                              values['engine'])
    detector, turns = _detectors(values, folder, masker)
    tracker = Tracker(values['tracker.overlap_min'], values['tracker.memory_frames'],
                      values['tracker.memory_s'], values['identity.score_min'])
    if person_method(values) == 'latent_rag' or values['identity.publish']:
        embedder, fingerprint = _embedder(values, folder, device)
    else:
        embedder, fingerprint = None, ''
    head, head_fingerprint = _head(values, folder, device, fingerprint)
    method = _method(values, folder, device, embedder)
    own = embedder if isinstance(embedder, FittedEmbedder) else None
    embedder_px = own.input_format.size_px if own else Parts.embedder_size_px
    return Parts(detector, masker if values['mask.enabled'] else None, tracker, embedder, method,
                 device, fingerprint and model_id(fingerprint, head_fingerprint), embedder_px,
                 method.patch_size_px if isinstance(method, LatentRagMethod) else embedder_px,
                 own.feature_dimension if own else FEATURE_DIMENSION, turns, head,
                 assemble_evidence(values, device))


def _detectors(values: Mapping[str, Value], folder: Path | None,
               masker: PersonMasker | None) -> tuple[PersonDetector, Turns | None]:
    """Return everything that looks for people, united, and in turns where it has two views."""
    overlap_max = values['detector.overlap_max']
    opinion = values['detector.second_opinion'] == 'segmentation'

    def united(*detectors: PersonDetector) -> PersonDetector:
        """Return detectors as one, with the second opinion and the self-test."""
        tested = UnitedDetector(detectors, overlap_max, values['identity.score_min'],
                                SecondOpinion(masker) if opinion else None)
        frames = values['detector.self_test_frames']
        return SelfTestingDetector(tested, frames, shipped_picture()) if frames else tested

    def tiled(part: PersonDetector) -> list[PersonDetector]:
        """Return the same detector on tiles, where they are asked for."""
        tiles = values['detector.tiles']
        return [TiledDetector(part, tiles)] if tiles > 1 else []

    if values['detector.model']:
        own = own_detector(values)
        return united(own, *tiled(own)), None
    path, score_min = _path(nanodet.WEIGHTS_NAME, folder), values['detector.score_min']
    whole = NanoDetDetector(path, score_min, overlap_max, values['detector.views'],
                            second_every=values['detector.second_view_every_frames'],
                            engine=values['engine'])
    first, stretched = (
        NanoDetDetector(path, score_min, overlap_max, 1, whole.network, only_stretched=only)
        for only in (False, True))
    tiles = tiled(first)
    turns = Turns(united(first, *tiles), stretched) if values['detector.views'] > 1 else None
    return united(whole, *tiles), turns


def _embedder(values: Mapping[str, Value], folder: Path | None,
              device: str) -> tuple[Embedder | FastEmbedder | FittedEmbedder, str]:
    """Return the embedder and its hash, 64 hexadecimal digits."""
    if values['identity.model']:
        own = own_embedder(values, device)
        return own, own.fingerprint
    path = weights_file(EMBEDDER_FILE, folder)
    network, fingerprint = load_embedder(path, device), sha256_of(path)
    plain = resolve_engine(values['engine']) == 'plain' or device != 'cpu'
    # a generator of the user's own wants pictures of its own size, which a translation has not
    keeps_torch = plain or uses_own_models(values)
    return network if keeps_torch else FastEmbedder(network), fingerprint


def _head(values: Mapping[str, Value], folder: Path | None, device: str,
          embedder_sha256: str) -> tuple[ProtectionHead | None, str]:
    """Return what `identity.extractor` puts behind the embedder, and its hash; else None and ''.

    Raises `ParameterError` for an embedder that no head was trained on.
    """
    if values['identity.extractor'] == 'plain' or not values['identity.publish']:
        return None, ''
    if values['identity.model']:
        raise ParameterError(
            f'identity.extractor is protected and identity.model is {values["identity.model"]!r}: '
            'a protection head belongs to the one embedder that it was trained on; leave '
            'identity.model empty, or set identity.extractor to plain, whose features can be '
            'turned back into pictures')
    path = weights_file(HEAD_FILE, folder)
    return load_protection_head(path, embedder_sha256, device), sha256_of(path)


def _path(name: str, folder: Path | None) -> Path:
    return (WEIGHTS_DIRECTORY if folder is None else folder) / name


def _method(values: Mapping[str, Value], folder: Path | None, device: str,
            embedder: Embedder | FastEmbedder | FittedEmbedder | None) -> ProtectionMethod:
    if person_method(values) == 'solid':
        return SolidMethod()
    if uses_own_models(values):
        replacer = own_replacer(values, folder, chosen_preset(values), device, embedder)
    else:
        replacer = LatentRagReplacer.load(folder, chosen_preset(values), device, embedder,
                                          engine=values['engine'])
    return LatentRagMethod(replacer, Limits(values['protection.psnr_db_max'],
                                            values['protection.ssim_max'],
                                            values['identity.cosine_min']))
