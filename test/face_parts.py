"""Random face networks: everything that replaces faces, good for nothing but tests."""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from latent_rag_ros.identity_decoupling.autoencoder import FaceAutoencoder
from latent_rag_ros.identity_decoupling.encoder import IDENTITY_DIMENSION, DisentangledEncoder
from latent_rag_ros.identity_decoupling.face_folders import GALLERY, ORACLES, THRESHOLDS
from latent_rag_ros.identity_decoupling.face_mesh import WEIGHTS_NAME as MESH
from latent_rag_ros.identity_decoupling.face_mesh import FaceMesh
from latent_rag_ros.identity_decoupling.gallery import IdentityGallery, save_gallery
from latent_rag_ros.identity_decoupling.oracles.calibration import Threshold, save_thresholds
from latent_rag_ros.identity_decoupling.oracles.catalogue import FORMATS
from latent_rag_ros.identity_decoupling.oracles.oracle import oracle_file_name
from latent_rag_ros.identity_decoupling.unet import FaceUNet
from latent_rag_ros.perception.center_face import Face
from latent_rag_ros.perception.detector import DetectorError
from latent_rag_ros.protection.types import Box
from latent_rag_ros.weights.registry import register
from latent_rag_ros.weights.tensors import save_tensors

FRONT = np.array([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]]) / 112
"""Landmarks of a face seen from the front, as shares of a square around it."""


def landmarks_at(x: float, y: float, size_px: float) -> np.ndarray:
    """Return the landmarks (5, 2) of a face in a square with a corner at (x, y)."""
    return (FRONT * size_px + (x, y)).astype(np.float32)


class KnownFaces:
    """A face detector that finds given faces, and fails on request."""

    def __init__(self, *landmarks: np.ndarray) -> None:
        self.landmarks, self.failing = landmarks, False

    def detect(self, image: np.ndarray) -> list[Face]:
        """Return the faces."""
        if self.failing:
            raise DetectorError('scores are NaN')
        return [face_of(points) for points in self.landmarks]


def face_of(landmarks: np.ndarray) -> Face:
    """Return the face that a detector would find at five landmarks."""
    left, top = landmarks.min(0)
    right, bottom = landmarks.max(0)
    width, height = right - left, bottom - top
    box = Box(int(left - width / 4), int(top - height / 3), int(right + width / 4),
              int(bottom + height / 3))
    return Face(box, 0.9, landmarks)


def face_picture(seed: int, height_px: int = 160, width_px: int = 200) -> np.ndarray:
    """Return noise in colour, smooth enough for a network to see something in it."""
    random = np.random.default_rng(seed)
    coarse = random.integers(20, 236, (height_px // 8, width_px // 8, 3), np.uint8)
    return np.kron(coarse, np.ones((8, 8, 1), np.uint8))


def write_random_faces(folder: Path, people: int = 12) -> Path:
    """Fill a folder with random face networks, a gallery and oracles that know nobody again.

    Returns the folder.
    """
    torch.manual_seed(11)
    networks = {'face_encoder': DisentangledEncoder(), 'face_autoencoder': FaceAutoencoder(),
                'face_student': FaceUNet(), 'face_teacher': FaceUNet()}
    networks = {f'{name}.safetensors': _disturbed(network) for name, network in networks.items()}
    networks |= {oracle_file_name(name): _lively(FORMATS[name].build()) for name in ORACLES}
    for name, network in networks.items():
        save_tensors(folder / name, network.state_dict(), {})
        register(folder / name)
    write_random_mesh(folder)
    codes = np.random.default_rng(3).standard_normal((people, IDENTITY_DIMENSION))
    save_gallery(folder / GALLERY, IdentityGallery(codes.astype(np.float32)), 'random')
    register(folder / GALLERY)
    save_thresholds(folder / THRESHOLDS,
                    {name: Threshold(1.0, 1000, 5) for name in ORACLES})
    return folder


def write_random_mesh(folder: Path) -> Path:
    """Write a random mesh network that sees a face everywhere into a folder; returns it."""
    torch.manual_seed(12)
    mesh = _lively(FaceMesh())
    with torch.no_grad():
        mesh.mesh[-1].bias.uniform_(60, 130)
        mesh.presence[-1].weight.zero_()
        mesh.presence[-1].bias.fill_(5)
    save_tensors(folder / MESH, mesh.state_dict(), {})
    register(folder / MESH)
    return folder


def _disturbed(network: nn.Module) -> nn.Module:
    """Return a network in which nothing starts at zero."""
    with torch.no_grad():
        for values in network.parameters():
            if not values.any():
                values.normal_(0, 0.02)
    return network


def _lively(network: nn.Module) -> nn.Module:
    """Return a network whose output depends on its input however deep it is (He et al., 2015)."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network
