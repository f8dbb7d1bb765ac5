"""Amortised refinement: a small network moves codes as far as ten gradient steps do, in one step.

    w' = w + sigma * b tanh(h(f, f - g, (w - mu) / sigma) / b)

f is the identity feature to reach and g the one that the code w stands for: the mean feature of
the retrieved people for a fused code, E(G(w)) for a code whose picture was looked at. So the same
network moves a fused code and, where one look does not suffice, the code it gave before. mu is the
mean code of the store and sigma its standard deviation per layer. h is trained through the frozen
generator and embedder on the losses of `refinement`, towards the identity, away from the picture.
Like the retrieval before it, it sees no picture of the person, only the feature.
"""
from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.identity.embedder import FEATURE_DIMENSION
from latent_rag_ros.latent_rag.generator import CODE_DIMENSION, LAYERS
from latent_rag_ros.latent_rag.store import RetrievalStore
from latent_rag_ros.weights.registry import MANIFEST_NAME, WeightsError, read_manifest
from latent_rag_ros.weights.tensors import load_network, load_tensors, save_tensors

PREDICTOR_FILE = 'code_predictor.safetensors'
HIDDEN = 336
OFFSET_MAX = 3.0
"""b: a coordinate moves by less than this many standard deviations of its layer."""


class CodePredictor(nn.Module):
    """The network h: a perceptron with one residual block, 0.7 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = nn.Linear(2 * FEATURE_DIMENSION + LAYERS * CODE_DIMENSION, HIDDEN)
        self.normalise = nn.LayerNorm(HIDDEN)
        self.block = nn.Linear(HIDDEN, HIDDEN)
        self.leave = nn.Linear(HIDDEN, LAYERS * CODE_DIMENSION)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        self.register_buffer('centre', torch.zeros(LAYERS, CODE_DIMENSION))
        self.register_buffer('deviation', torch.ones(LAYERS, 1))

    @classmethod
    def for_store(cls, store: RetrievalStore) -> CodePredictor:
        """Return an untrained predictor, which leaves codes as they are, for codes of `store`."""
        predictor = cls()
        # as they come back from the file, which holds half precision
        predictor.centre.copy_(store.codes.mean(0).half())
        predictor.deviation.copy_(store.layer_deviation.half())
        return predictor

    def forward(self, features: Tensor, reached: Tensor, codes: Tensor) -> Tensor:
        """Return codes that are closer to the features.

        Parameters
        ----------
        features : Tensor
            Identity features f, shape (n, 256), L2 norm 1.
        reached : Tensor
            Features g that the codes stand for, shape (n, 256).
        codes : Tensor
            W+ codes, shape (n, 10, 64).

        Returns
        -------
        Tensor
            Shape (n, 10, 64).
        """
        scale = FEATURE_DIMENSION ** 0.5                    # coordinates of about unit variance
        relative = (codes - self.centre) / self.deviation
        x = torch.cat([scale * features, scale * (features - reached), relative.flatten(1)], 1)
        x = functional.silu(self.normalise(self.enter(x)))
        x = x + functional.silu(self.block(x))
        offsets = self.leave(x).view_as(codes)
        return codes + self.deviation * OFFSET_MAX * torch.tanh(offsets / OFFSET_MAX)


def save_code_predictor(predictor: CodePredictor, path: Path, made_with: Mapping[str, str],
                        training: str = '{}') -> None:
    """Write a predictor with the sha256, by name, of the embedder, generator and store it fits.

    `training` is JSON that says how it was trained.
    """
    save_tensors(path, predictor.state_dict(),
                 {'made_with': json.dumps(dict(made_with)), 'training': training})


def has_code_predictor(folder: Path) -> bool:
    """Return whether a folder of weights has a predictor, or its manifest says that it should."""
    manifest = folder / MANIFEST_NAME
    return (folder / PREDICTOR_FILE).exists() or (
        manifest.is_file() and PREDICTOR_FILE in read_manifest(manifest))


def load_code_predictor(path: Path, hashes: Mapping[str, str],
                        device: str = 'cpu') -> CodePredictor:
    """Load a predictor, frozen and in evaluation mode.

    Parameters
    ----------
    path : Path
        Its safetensors file.
    hashes : Mapping
        sha256 of the embedder, generator and store in use, by file name.
    device : str
        Device of the predictor.

    Raises
    ------
    WeightsError
        The file holds something else, or was trained with other weights than those in use.
    """
    predictor = load_network(CodePredictor(), path, device)
    made_with = json.loads(load_tensors(path)[1].get('made_with', '{}'))
    for name, sha256 in hashes.items():
        if made_with.get(name) != sha256:
            raise WeightsError(
                f'{path.name} was trained with another {name} '
                f'({str(made_with.get(name))[:12]}, in use {sha256[:12]}); use weights of one '
                'release together, train it again (latent-rag train code_predictor), or remove '
                'it from folder and manifest: codes are then refined by gradient steps alone')
    return predictor
