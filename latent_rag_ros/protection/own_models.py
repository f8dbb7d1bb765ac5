"""The parameters of networks that users bring, turned into parts of the filter."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from latent_rag_ros.identity.embedder import (
    CROP_HEIGHT_PX, CROP_WIDTH_PX, FEATURE_DIMENSION, Embedder)
from latent_rag_ros.identity.input_format import InputFormat
from latent_rag_ros.identity.own_embedder import FittedEmbedder, load_own_embedder
from latent_rag_ros.latent_rag.own_replacer import OwnFiles, load_own_replacer
from latent_rag_ros.latent_rag.presets import Preset
from latent_rag_ros.latent_rag.replacer import EMBEDDER_FILE, LatentRagReplacer
from latent_rag_ros.parameters import Value
from latent_rag_ros.perception.onnx_detector import DetectorSettings, OnnxDetector
from latent_rag_ros.weights.registry import sha256_of, weights_file

SHIPPED_FORMAT = InputFormat(CROP_HEIGHT_PX, CROP_WIDTH_PX, 'unit', 'rgb')
"""Input of the shipped embedder, which normalises its crops itself."""


def uses_own_models(values: Mapping[str, Value]) -> bool:
    """Return whether embedder, generator or store are the user's own."""
    return any(values[name] for name in ('identity.model', 'latent_rag.generator',
                                         'latent_rag.store'))


def own_detector(values: Mapping[str, Value]) -> OnnxDetector:
    """Load the detector of `detector.model`. Raises `WeightsError` when it cannot work."""
    return OnnxDetector(Path(values['detector.model']), DetectorSettings(
        values['detector.score_min'], values['detector.overlap_max'], values['detector.format'],
        values['detector.person_class'], values['detector.input_px'],
        values['detector.normalisation']))


def own_embedder(values: Mapping[str, Value], device: str) -> FittedEmbedder:
    """Load the re-ID network of `identity.model`. Raises `WeightsError` when it cannot work."""
    wanted = InputFormat(values['identity.input_height_px'], values['identity.input_width_px'],
                         values['identity.normalisation'], values['identity.colour_order'])
    return load_own_embedder(Path(values['identity.model']), wanted, device)


def shipped_embedder(network: Embedder, fingerprint: str) -> FittedEmbedder:
    """Return the shipped embedder so that it takes crops of any size, as an own generator needs.

    `fingerprint` is the sha256 of its file.
    """
    return FittedEmbedder(network, SHIPPED_FORMAT, FEATURE_DIMENSION, fingerprint)


def own_replacer(values: Mapping[str, Value], folder: Path | None, preset: Preset, device: str,
                 embedder: Embedder | FittedEmbedder) -> LatentRagReplacer:
    """Load generator and store beside the embedder in use.

    Raises `WeightsError` when a file is unusable or they were not made for each other.
    """
    if isinstance(embedder, Embedder):
        path = weights_file(EMBEDDER_FILE, folder)
        embedder = shipped_embedder(embedder, sha256_of(path))
    files = OwnFiles(_file(values['latent_rag.generator']), _file(values['latent_rag.store']),
                     values['latent_rag.generator_range'])
    return load_own_replacer(embedder, files, folder, preset, device)


def _file(value: Value) -> Path | None:
    return Path(value) if value else None
