"""Builds what makes the evidence image from parameters."""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from latent_rag_ros.identity_decoupling.consistency import STUDENT_STEPS_MAX
from latent_rag_ros.identity_decoupling.face_folders import (
    CONVERT, FaceSettings, checked_file, load_face_replacer, weights_id)
from latent_rag_ros.identity_decoupling.face_generator import TEACHER
from latent_rag_ros.parameter import ParameterError, Value
from latent_rag_ros.perception.center_face import WEIGHTS_NAME, CenterFaceDetector
from latent_rag_ros.protection.evidence_method import EvidenceMethod, EvidenceSettings

METHOD = 'identity_decoupled'


def person_method(values: Mapping[str, Value]) -> str:
    """Return what covers whole people, `latent_rag` or `solid`: also beside an evidence image."""
    method = values['protection.method']
    return values['evidence.person_method'] if method == METHOD else method


def assemble_evidence(values: Mapping[str, Value], device: str) -> EvidenceMethod | None:
    """Load what makes the evidence image, where `protection.method` asks for one.

    Raises
    ------
    ParameterError
        No folder of networks is given, or the student is to take too many steps.
    WeightsError
        A file is missing, damaged, or does not fit. Names it and the command that makes it.
    """
    if values['protection.method'] != METHOD:
        return None
    if not values['evidence.networks']:
        raise ParameterError(
            f'protection.method is {METHOD} and evidence.networks is empty; give the folder of '
            f'the converted face networks: {CONVERT.format(folder="FOLDER")}, then calibrate them '
            '(docs/identity_decoupling.md)')
    networks = Path(values['evidence.networks'])
    weights, settings = _weights(values), _settings(values)
    replacer = load_face_replacer(weights, networks, settings, device)
    detector = CenterFaceDetector(checked_file(WEIGHTS_NAME, networks, CONVERT),
                                  side_px_max=values['evidence.search_px'])
    return EvidenceMethod(
        detector, replacer, EvidenceSettings(
            values['evidence.face_px_min'], values['evidence.small_face_policy'] == 'neutral'),
        weights_id(weights, settings))


def _weights(values: Mapping[str, Value]) -> Path | None:
    given = values['evidence.weights'] or values['weights.directory']
    return Path(given) if given else None


def _settings(values: Mapping[str, Value]) -> FaceSettings:
    kind, steps = values['evidence.generator'], values['evidence.steps']
    if kind != TEACHER and steps > STUDENT_STEPS_MAX:
        raise ParameterError(f'evidence.steps is {steps} and evidence.generator is {kind}, which '
                             f'takes 1 to {STUDENT_STEPS_MAX}; lower it, or choose {TEACHER}')
    return FaceSettings(kind, steps, values['evidence.cosine_max'], values['evidence.tries'],
                        values['evidence.enforcement_steps'], values['evidence.attribute_noise'])
