"""The retrieval store: features and W+ codes of synthetic people, searched by exact cosine.

Rows are pairs (f_i, w_i) with f_i = E(x_i) and w_i = E_w(x_i) of rendered people x_i. The file
carries the hashes of the embedder, encoder and generator it was made with; it serves no others.
"""
from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import faiss
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latent_rag_ros.weights.registry import WeightsError
from latent_rag_ros.weights.tensors import load_tensors, save_tensors


class RetrievalStore:
    """Synthetic identities to retrieve from.

    Parameters
    ----------
    features : Tensor
        Shape (rows, d), float, L2 norm 1; d is 256 for the shipped embedder.
    codes : Tensor
        Shape (rows, L, D), float.
    identities : Tensor
        Shape (rows,), int64: which synthetic person a row shows.
    made_with : Mapping
        sha256 of the weights the rows were made with, by name.

    Raises
    ------
    WeightsError
        The shapes do not fit, a value is not finite, or a feature is not normalised.
    """

    def __init__(self, features: Tensor, codes: Tensor, identities: Tensor,
                 made_with: Mapping[str, str]) -> None:
        self.features, self.codes = features.float(), codes.float()
        self.identities, self.made_with = identities.long(), dict(made_with)
        self._check()
        self._index = faiss.IndexFlatIP(self.features.shape[1])
        self._index.add(self.features.numpy())

    def __len__(self) -> int:
        return len(self.features)

    def _check(self) -> None:
        rows = len(self.features)
        if self.codes.ndim != 3 or len(self.codes) != rows or len(self.identities) != rows:
            raise WeightsError(
                f'store has features {tuple(self.features.shape)}, codes '
                f'{tuple(self.codes.shape)}, identities {tuple(self.identities.shape)}; '
                'expected one code of shape (L, D) and one identity per feature')
        if rows == 0 or not self.features.isfinite().all() or not self.codes.isfinite().all():
            raise WeightsError('store is empty or holds numbers that are not finite; '
                               'install the package again or build the store again')
        if (self.features.norm(dim=1) - 1).abs().max() > 0.01:
            raise WeightsError('store holds features whose L2 norm is not 1; build it again')

    @property
    def layer_deviation(self) -> Tensor:
        """Standard deviation of the codes in each layer, shape (L, 1)."""
        centred = self.codes - self.codes.mean(0)
        return centred.square().mean((0, 2)).sqrt().unsqueeze(1)

    def search(self, features: Tensor, neighbours: int) -> NDArray[np.int64]:
        """Return the rows of the most similar features, best first, shape (n, neighbours).

        `features` has shape (n, d), L2 norm 1. At most as many columns as the store has rows.
        """
        queries = np.ascontiguousarray(features.detach().cpu().numpy(), np.float32)
        return self._index.search(queries, min(neighbours, len(self)))[1]

    def save(self, path: Path) -> None:
        """Write the store as safetensors, features and codes in half precision."""
        save_tensors(path, {'features': self.features, 'codes': self.codes,
                            'identities': self.identities.int()},
                     {'made_with': json.dumps(self.made_with)})


def load_store(path: Path) -> RetrievalStore:
    """Read a store.

    Raises
    ------
    WeightsError
        The file is no store, is truncated, or its content does not fit.
    """
    try:
        tensors, metadata = load_tensors(path)
        features, codes, identities = (tensors[name]
                                       for name in ('features', 'codes', 'identities'))
        made_with = json.loads(metadata['made_with'])
    except (OSError, KeyError, ValueError) as error:
        raise WeightsError(f'{path.name} is not a retrieval store ({error}); '
                           'install the package again or build the store again') from error
    return RetrievalStore(torch.nn.functional.normalize(features.float()), codes, identities,
                          made_with)


def check_made_with(store: RetrievalStore, hashes: Mapping[str, str]) -> None:
    """Refuse a store that was made with other weights.

    Parameters
    ----------
    hashes : Mapping
        sha256 of the weights in use, by name, such as `embedder.safetensors`.

    Raises
    ------
    WeightsError
        A name is missing in the store or has another hash there.
    """
    for name, sha256 in hashes.items():
        if store.made_with.get(name) != sha256:
            raise WeightsError(
                f'the retrieval store was made with another {name} '
                f'({str(store.made_with.get(name))[:12]}, in use {sha256[:12]}); '
                'use weights of one release together; for a network of your own build a store: '
                'latent-rag store build')
