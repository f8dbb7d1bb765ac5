"""Builds the parts of the filter from parameters: loads weights, refuses what cannot work."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from latent_rag_ros.device import resolve_device
from latent_rag_ros.identity.embedder import Embedder, load_embedder
from latent_rag_ros.latent_rag.presets import PRESETS, Preset
from latent_rag_ros.latent_rag.replacer import EMBEDDER_FILE, LatentRagReplacer
from latent_rag_ros.parameters import Value
from latent_rag_ros.perception import nanodet, person_mask
from latent_rag_ros.perception.detector import PersonDetector
from latent_rag_ros.perception.nanodet import NanoDetDetector
from latent_rag_ros.perception.person_mask import PersonMasker
from latent_rag_ros.perception.tracker import Tracker
from latent_rag_ros.protection.latent_rag_method import LatentRagMethod
from latent_rag_ros.protection.method import ProtectionMethod, SolidMethod
from latent_rag_ros.protection.verification import Limits
from latent_rag_ros.weights.registry import WEIGHTS_DIRECTORY, sha256_of, weights_file


@dataclass(frozen=True)
class Parts:
    """The parts of one filter.

    Parameters
    ----------
    masker, embedder
        None where the parameters switch them off.
    device : str
        Device of the embedder and the generator.
    model_id : str
        Embedder name and the first 12 digits of its sha256; empty without an embedder.
    """

    detector: PersonDetector
    masker: PersonMasker | None
    tracker: Tracker
    embedder: Embedder | None
    method: ProtectionMethod
    device: str
    model_id: str


def chosen_preset(values: Mapping[str, Value]) -> Preset:
    """Return the preset of `latent_rag.preset` with the single settings that override it."""
    overrides: dict[str, Value] = {}
    if values['latent_rag.attention'] != 'preset':
        overrides['attention'] = values['latent_rag.attention']
    if values['latent_rag.neighbours'] > 0:
        overrides['neighbours'] = values['latent_rag.neighbours']
    if values['latent_rag.iterations'] >= 0:
        overrides['iterations'] = values['latent_rag.iterations']
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
    detector = NanoDetDetector(_path(nanodet.WEIGHTS_NAME, folder), values['detector.score_min'],
                               values['detector.overlap_max'])
    masker = None
    if values['mask.enabled']:
        masker = PersonMasker(_path(person_mask.WEIGHTS_NAME, folder), values['mask.score_min'])
    tracker = Tracker(values['tracker.overlap_min'], values['tracker.memory_frames'],
                      values['tracker.memory_s'])
    embedder, model_id = None, ''
    if values['protection.method'] == 'latent_rag' or values['identity.publish']:
        path = weights_file(EMBEDDER_FILE, folder)
        embedder, model_id = load_embedder(path, device), f'embedder-{sha256_of(path)[:12]}'
    return Parts(detector, masker, tracker, embedder,
                 _method(values, folder, device, embedder), device, model_id)


def _path(name: str, folder: Path | None) -> Path:
    return (WEIGHTS_DIRECTORY if folder is None else folder) / name


def _method(values: Mapping[str, Value], folder: Path | None, device: str,
            embedder: Embedder | None) -> ProtectionMethod:
    if values['protection.method'] == 'solid':
        return SolidMethod()
    replacer = LatentRagReplacer.load(folder, chosen_preset(values), device, embedder)
    return LatentRagMethod(replacer, Limits(values['protection.psnr_db_max'],
                                            values['protection.ssim_max'],
                                            values['identity.cosine_min']))
