"""What the parameters of the evidence image ask for, and what is said where it cannot be had."""
from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from latent_rag_ros.evaluation.face_methods import HEADLINE
from latent_rag_ros.identity_decoupling.face_folders import FaceSettings
from latent_rag_ros.parameters import PROTECTOR, ParameterError, checked_values
from latent_rag_ros.perception.center_face import WEIGHTS_NAME
from latent_rag_ros.protection.evidence_assembly import assemble_evidence, person_method
from latent_rag_ros.weights.registry import WeightsError

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from face_parts import write_random_faces  # noqa: E402

NETWORKS = os.environ.get('LATENT_RAG_FACE_NETWORKS', '')
"""Where scripts/convert_face_networks.py wrote to; the networks are not shipped."""


def values(**given: object) -> dict:
    """Return the parameters of a protector with an evidence image; `__` stands for a dot."""
    given = {'protection__method': 'identity_decoupled', **given}
    return checked_values(PROTECTOR, {name.replace('__', '.'): value
                                      for name, value in given.items()})


def test_other_methods_need_no_face_networks() -> None:
    for method in ('latent_rag', 'solid'):
        chosen = values(protection__method=method)
        assert assemble_evidence(chosen, 'cpu') is None and person_method(chosen) == method
    assert person_method(values()) == 'latent_rag'
    assert person_method(values(evidence__person_method='solid')) == 'solid'


def test_networks_are_asked_for_with_the_command_that_makes_them() -> None:
    with pytest.raises(ParameterError, match='evidence.networks is empty.*convert_face_networks'):
        assemble_evidence(values(), 'cpu')


def test_defaults_are_those_that_the_evaluation_measures() -> None:
    chosen, settings = values(), FaceSettings()
    assert {name: chosen[f'evidence.{name}'] for name in asdict(settings)} == asdict(settings)
    assert HEADLINE == f'lcm_{settings.steps}'


def test_too_many_steps_of_a_student_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match='evidence.steps is 9'):
        assemble_evidence(values(evidence__networks=str(tmp_path), evidence__steps=9), 'cpu')


def test_missing_files_are_named_with_the_command_that_makes_them(tmp_path: Path) -> None:
    chosen = values(evidence__networks=str(tmp_path), evidence__weights=str(tmp_path))
    with pytest.raises(WeightsError, match='thresholds.json.*calibrate_face_oracles'):
        assemble_evidence(chosen, 'cpu')
    write_random_faces(tmp_path)
    with pytest.raises(WeightsError, match=f'{WEIGHTS_NAME}.*convert_face_networks'):
        assemble_evidence(chosen, 'cpu')
    (tmp_path / 'face_encoder.safetensors').unlink()
    with pytest.raises(WeightsError, match='face_encoder.*latent-rag train faces'):
        assemble_evidence(chosen, 'cpu')


@pytest.mark.skipif(not NETWORKS, reason='LATENT_RAG_FACE_NETWORKS names no folder')
def test_everything_is_loaded_from_its_folders(tmp_path: Path) -> None:
    write_random_faces(tmp_path)
    method = assemble_evidence(values(evidence__networks=NETWORKS, evidence__weights=str(tmp_path),
                                      evidence__generator='teacher', evidence__steps=7), 'cpu')
    assert method.model.model_id.startswith('face-teacher-7-')
    assert method.model.oracles == ('dlib', 'faceres') and method.model.steps == 7
