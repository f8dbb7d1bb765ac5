"""A small network that reads where a face looks. It measures, and is part of no protection."""
from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.evaluation.gaze_crop import EYE_COLUMNS, EYE_ROWS, SIDE_PX, gaze_crop
from latent_rag_ros.evaluation.gaze_geometry import turned_in_picture
from latent_rag_ros.protection.types import ImageArray

EYE_LAYERS = ((24, 5, 2), (24, 3, 1), (64, 3, 2), (64, 3, 1))
FACE_LAYERS = ((16, 5, 2), (32, 3, 2), (32, 3, 1), (48, 3, 2))
"""Channels, kernel and stride."""

MAPS, EYE_FEATURES, FACE_FEATURES, HIDDEN, DROPOUT = 16, 48, 32, 64, 0.2
ERROR_MIN = 0.01
"""No gaze is expected to be nearer to the truth, in radians."""

Reading = NDArray[np.float32]
"""Shape (4,): the direction of a gaze, see `gaze_geometry`, and by how many degrees it is expected
to be wrong."""


class Branch(nn.Sequential):
    """Convolutions, a few maps that keep where things are, and features of them."""

    def __init__(self, layers: tuple[tuple[int, int, int], ...], height: int, width: int,
                 features: int) -> None:
        parts: list[nn.Module] = []
        inputs = 1
        for outputs, kernel, stride in layers:
            parts += [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
                      nn.BatchNorm2d(outputs), nn.ReLU()]
            inputs, height, width = outputs, -(-height // stride), -(-width // stride)
        super().__init__(*parts, nn.Conv2d(inputs, MAPS, 1), nn.Flatten(), nn.Dropout(DROPOUT),
                         nn.Linear(MAPS * height * width, features), nn.ReLU())


class GazeNetwork(nn.Module):
    """Grey faces (n, 1, 112, 112) to directions of gaze, and how wrong each is expected to be.

    One branch sees each eye at full resolution, the left one mirrored, the other one the face at
    half of it: a gaze is that of the eyes in the head and of the head together.
    """

    def __init__(self) -> None:
        super().__init__()
        self.eye = Branch(EYE_LAYERS, EYE_ROWS.stop - EYE_ROWS.start,
                          EYE_COLUMNS[0].stop - EYE_COLUMNS[0].start, EYE_FEATURES)
        self.face = Branch(FACE_LAYERS, SIDE_PX // 2, SIDE_PX // 2, FACE_FEATURES)
        self.facing = nn.Linear(FACE_FEATURES, 3)
        self.last = nn.Sequential(nn.Linear(2 * EYE_FEATURES + FACE_FEATURES, HIDDEN), nn.ReLU(),
                                  nn.Linear(HIDDEN, 4))

    def forward(self, faces: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what is read of faces in 0..1.

        Directions of gaze (n, 3), expected errors (n,) in radians, and where heads face (n, 3),
        which is only there to learn from.
        """
        right, left = (faces[:, :, EYE_ROWS, columns] for columns in EYE_COLUMNS)
        eyes = self.eye(_standardised(torch.cat([right, left.flip(3)]))).chunk(2)
        face = self.face(_standardised(functional.avg_pool2d(faces, 2)))
        facing = self.facing(face).float()
        found = self.last(torch.cat([*eyes, face], 1)).float()
        return (functional.normalize(facing + found[:, :3], dim=1),
                functional.softplus(found[:, 3] - 2) + ERROR_MIN,
                functional.normalize(facing, dim=1))


def _standardised(pictures: Tensor) -> Tensor:
    """Return pictures (n, 1, h, w) without their brightness and contrast."""
    mean, spread = pictures.mean((1, 2, 3), True), pictures.std((1, 2, 3), keepdim=True)
    return (pictures - mean) / (spread + 0.02)


class GazeReader:
    """Reads the gaze of faces.

    Parameters
    ----------
    network : GazeNetwork
        Trained, see `gaze_training`.
    device : str
        `cpu` or `cuda:N`.
    """

    def __init__(self, network: GazeNetwork, device: str = 'cpu') -> None:
        self._network = network.to(device).eval().requires_grad_(False)
        self._device = device

    @torch.no_grad()
    def read(self, image: ImageArray, landmarks: NDArray[np.float32]) -> Reading:
        """Return what is read of a face with given landmarks (5, 2) in a picture (h, w, 3)."""
        crop = gaze_crop(image, landmarks)
        faces = torch.from_numpy(crop.pixels)[None, None].float() / 255
        upright, error, _ = self._network(faces.to(self._device))
        direction = turned_in_picture(upright[0].cpu().numpy(), crop.turn.conjugate())
        return np.append(direction, np.degrees(error.item())).astype(np.float32)
