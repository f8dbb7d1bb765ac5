"""A face-recognition oracle: how similar are two faces, and is that below its own threshold?"""
from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.identity_decoupling.oracles.alignment import aligned
from latent_rag_ros.identity_decoupling.oracles.catalogue import FORMATS, OracleFormat
from latent_rag_ros.weights.registry import WeightsError, weights_file
from latent_rag_ros.weights.tensors import load_network


class Oracle:
    """A recognition network behind its preprocessing, frozen, with its own threshold.

    Parameters
    ----------
    name : str
        Name in results and error messages.
    oracle_format : OracleFormat
        What the network wants to see.
    network : nn.Module
        Prepared faces to features.
    threshold : float
        Cosine from which on two faces count as one person, from `calibration`; -1..1.
    """

    held_out = False

    def __init__(self, name: str, oracle_format: OracleFormat, network: nn.Module,
                 threshold: float) -> None:
        if not -1 <= threshold <= 1:
            raise ValueError(f'threshold of {name} is {threshold}; calibrate it, -1..1')
        self.name, self.format, self.threshold = name, oracle_format, threshold
        self.network = network.eval().requires_grad_(False)
        self._template = oracle_format.template(oracle_format.side_px)

    def features(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """Return features (n, d) of length 1; gradients flow to the pixels.

        Parameters
        ----------
        images : Tensor
            Shape (n, 3, h, w), RGB in 0..1.
        landmarks : Tensor
            Shape (n, 5, 2), see `alignment`.

        Raises
        ------
        ValueError
            The shapes do not fit or landmarks show no face.
        """
        faces = aligned(images, landmarks, self._template, self.format.side_px)
        return functional.normalize(self.network(self.format.prepared(faces)), dim=1)


class HeldOutOracle(Oracle):
    """An oracle that only measures: no gradient leaves it, and `enforcement` refuses it."""

    held_out = True

    @torch.no_grad()
    def features(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """Return features (n, d) of length 1, without any gradient; see `Oracle.features`."""
        return super().features(images, landmarks)


def oracle_file_name(name: str) -> str:
    """Return the file that holds the weights of an oracle."""
    return f'face_oracle_{name}.safetensors'


def load_oracle(name: str, directory: Path, thresholds: Mapping[str, float],
                device: str = 'cpu') -> Oracle:
    """Load an oracle of the catalogue; a held-out one cannot be loaded as any other.

    Parameters
    ----------
    name : str
        One of `catalogue.FORMATS`.
    directory : Path
        Folder with `oracle_file_name(name)` and its manifest; see
        `scripts/convert_face_networks.py`.
    thresholds : Mapping
        Threshold by name, from `calibration.load_thresholds`.
    device : str
        `cpu` or `cuda:N`.

    Raises
    ------
    WeightsError
        The name is unknown, the file is missing or damaged, or there is no threshold for it.
    """
    if name not in FORMATS:
        raise WeightsError(f'oracle {name!r} is unknown; choose one of {", ".join(FORMATS)}')
    if name not in thresholds:
        raise WeightsError(f'oracle {name} has no threshold; calibrate it on impostor pairs '
                           '(identity_decoupling.oracles.calibration)')
    found = FORMATS[name]
    network = load_network(found.build(), weights_file(oracle_file_name(name), directory), device)
    kind = HeldOutOracle if found.held_out else Oracle
    return kind(name, found, network, thresholds[name])
