"""Builds a retrieval store: a feature f_i = E(x_i) and a code w_i = E_w(x_i) per picture x_i."""
from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from latent_rag_ros.latent_rag.store import RetrievalStore

LOGGER = logging.getLogger(__name__)

COSINE_EXPECTED = 0.5
"""Below this mean cosine the generator does not draw the people of the store recognisably."""


@dataclass(frozen=True)
class Reconstruction:
    """How well the codes of a store draw its people.

    Parameters
    ----------
    cosine : float
        Mean identity cosine of G(w_i) to f_i.
    error : float
        Mean absolute difference of G(w_i) and x_i, both in 0..1.
    """

    cosine: float
    error: float


def build_store(batches: Iterable[tuple[Tensor, Tensor]], embed: Callable[[Tensor], Tensor],
                encode: Callable[[Tensor], Tensor], made_with: Mapping[str, str],
                device: str = 'cpu') -> RetrievalStore:
    """Return the store of all pictures.

    Parameters
    ----------
    batches : iterable
        Crops (n, 3, h, w), float, RGB in 0..1, and identities (n,) of a batch.
    embed, encode : callable
        Crops to features (n, d), L2 norm 1, and to codes (n, L, D).
    made_with : Mapping
        sha256 of the networks by the names of the shipped files, see `store.check_made_with`.
    device : str
        Device of the networks.

    Raises
    ------
    WeightsError
        A feature or code is not finite, or there are no pictures.
    """
    features, codes, identities = [], [], []
    for crops, numbers in batches:
        crops = crops.to(device)
        with torch.no_grad():
            features.append(embed(crops).cpu())
        codes.append(encode(crops).detach().cpu())
        identities.append(numbers)
    return RetrievalStore(torch.cat(features), torch.cat(codes), torch.cat(identities), made_with)


@torch.no_grad()
def reconstruction(store: RetrievalStore, crops: Tensor, generator: Callable[[Tensor], Tensor],
                   embed: Callable[[Tensor], Tensor]) -> Reconstruction:
    """Measure the first rows of a store, those of `crops`, and warn when they fail.

    `crops` has shape (n, 3, h, w) like the generator's images, RGB in 0..1, on its device.
    """
    images = generator(store.codes[:len(crops)].to(crops.device))
    features = store.features[:len(crops)].to(crops.device)
    result = Reconstruction(float((embed(images) * features).sum(1).mean()),
                            float((images - crops).abs().mean()))
    if result.cosine < COSINE_EXPECTED:
        LOGGER.warning(
            'the codes draw people whose mean identity cosine to the pictures is %.2f: protected '
            'people will hardly be recognised. Use an encoder that was trained with this '
            'generator, or more steps of inversion', result.cosine)
    return result
