"""Latent-RAG as a method of the comparison: whole presets, and single stages of them."""
from __future__ import annotations

import numpy as np
import torch
from tqdm import tqdm

from latent_rag_ros.evaluation.embedding import to_crops, to_images
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.methods.method import Images
from latent_rag_ros.evaluation.protect import BATCH, nearest_identities, protect
from latent_rag_ros.identity.embedder import Embedder
from latent_rag_ros.latent_rag.encoder import Encoder
from latent_rag_ros.latent_rag.replacer import LatentRagReplacer
from latent_rag_ros.latent_rag.store import RetrievalStore


class LatentRag:
    """Latent-RAG with the shipped open store, which holds nobody who is measured.

    Parameters
    ----------
    name : str
        Key of the method in the results.
    replacer, embedder : LatentRagReplacer, Embedder
        Loaded with the same weights and the preset in question.
    """

    def __init__(self, name: str, replacer: LatentRagReplacer, embedder: Embedder) -> None:
        self.name, self._replacer, self._embedder = name, replacer, embedder

    def protect(self, people: HeldOutPeople) -> Images:
        """Replace every person as one who is seen for the first time."""
        with tqdm(total=len(people), desc=self.name, unit='crop') as progress:
            return protect(people.images, self._replacer, self._embedder, self._replacer.device,
                           progress.update).images


class IdentitySwap:
    """The most similar person of the store in place of every person: nothing fused or refined."""

    name = 'identity_swap'

    def __init__(self, replacer: LatentRagReplacer, embedder: Embedder) -> None:
        self._replacer, self._embedder = replacer, embedder

    def protect(self, people: HeldOutPeople) -> Images:
        """Return the nearest row's own code, synthesised, for every person."""
        features = _features(people, self._embedder, self._replacer.device)
        return nearest_identities(features.cpu().numpy(), self._replacer)


class ClosedStore:
    """Latent-RAG over a store that also holds all other pictures of the measured people.

    The published protocol retrieves from the evaluation's own gallery; beside the open store it
    shows how much of a figure comes from that. A picture never finds its own row.

    Parameters
    ----------
    name : str
        Key of the method in the results.
    replacer, embedder, encoder : LatentRagReplacer, Embedder, Encoder
        Loaded with the same weights and the preset in question, which refines by gradient steps.
    """

    def __init__(self, name: str, replacer: LatentRagReplacer, embedder: Embedder,
                 encoder: Encoder) -> None:
        self.name = name
        self._open, self._embedder, self._encoder = replacer, embedder, encoder

    def protect(self, people: HeldOutPeople) -> Images:
        """Replace every person, retrieving from the open store and from the other crops."""
        device = self._open.device
        features = _features(people, self._embedder, device)
        replacer = self._closed(people, features)
        neighbours = replacer.preset.neighbours
        parts = []
        for start in tqdm(range(0, len(people), BATCH), desc=self.name, unit='batch'):
            asked = features[start:start + BATCH]
            found = replacer.store.search(asked, neighbours + 1)
            own = len(self._open.store) + start + np.arange(len(asked))[:, np.newaxis]
            # a stable sort moves the own row to the end and leaves the order of the others
            order = np.argsort(found == own, axis=1, kind='stable')[:, :neighbours]
            codes = replacer.fuse(np.take_along_axis(found, order, axis=1))
            crops = to_crops(people.images[start:start + BATCH], device)
            parts.append(replacer.synthesise(replacer.refine(crops, asked, codes)[0]))
        return to_images(torch.cat(parts))

    def _closed(self, people: HeldOutPeople, features: torch.Tensor) -> LatentRagReplacer:
        store, device = self._open.store, self._open.device
        with torch.no_grad():
            codes = torch.cat([
                self._encoder(to_crops(people.images[start:start + BATCH], device)).cpu()
                for start in range(0, len(people), BATCH)])
        closed = RetrievalStore(
            torch.cat([store.features, features.cpu()]), torch.cat([store.codes, codes]),
            torch.cat([store.identities, torch.from_numpy(people.labels.identities)]),
            store.made_with)
        return LatentRagReplacer(self._open.embedder, self._open.generator, closed,
                                 self._open.preset, device)


@torch.no_grad()
def _features(people: HeldOutPeople, embedder: Embedder, device: str) -> torch.Tensor:
    """Return the identity features of all crops, shape (n, 256), on `device`."""
    return torch.cat([embedder.embed(to_crops(people.images[start:start + BATCH], device))
                      for start in range(0, len(people), BATCH)])
