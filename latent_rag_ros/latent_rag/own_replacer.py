"""Latent-RAG with networks that the user brought: loads what is his own, the rest is shipped.

Embedder, generator and store carry each other's hashes here as well: whoever replaces the embedder
or the generator needs a store of his own, which `latent-rag store build` makes.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor

from latent_rag_ros.latent_rag.generator import COARSE_LAYERS, Generator, load_generator
from latent_rag_ros.latent_rag.own_generator import (
    OwnGenerator, coarse_layer_count, load_own_generator)
from latent_rag_ros.latent_rag.presets import Preset
from latent_rag_ros.latent_rag.replacer import (
    EMBEDDER_FILE, GENERATOR_FILE, STORE_FILE, LatentRagReplacer)
from latent_rag_ros.latent_rag.store import RetrievalStore, check_made_with, load_store
from latent_rag_ros.weights.registry import WeightsError, sha256_of, weights_file


class OwnEmbedder(Protocol):
    """A re-ID network that knows its hash; see `identity.own_embedder.FittedEmbedder`."""

    fingerprint: str
    differentiable: bool

    def embed(self, crops: Tensor) -> Tensor:
        """Return features (n, d), L2 norm 1, of crops (n, 3, h, w) of any size."""
        ...


@dataclass(frozen=True)
class OwnFiles:
    """Which files are the user's own; None takes the shipped one.

    Parameters
    ----------
    generator, store : Path, optional
        TorchScript generator and retrieval store.
    generator_range : str
        Range of the generator's output, see `own_generator.RANGES`.
    """

    generator: Path | None = None
    store: Path | None = None
    generator_range: str = 'unit'


def load_own_replacer(embedder: OwnEmbedder, files: OwnFiles, directory: Path | None,
                      preset: Preset, device: str = 'cpu') -> LatentRagReplacer:
    """Load generator and store around an embedder and check that they belong together.

    Parameters
    ----------
    directory : Path, optional
        Folder of the files that are not the user's own; None takes the shipped ones.

    Raises
    ------
    WeightsError
        A file is missing or unusable, the store was made with other networks, or the preset
        refines and a network lets no gradients through.
    """
    store = load_store(files.store or weights_file(STORE_FILE, directory))
    generator, sha256 = _generator(files, directory, store, device)
    check_made_with(store, {EMBEDDER_FILE: embedder.fingerprint, GENERATOR_FILE: sha256})
    _check_differentiable(embedder, generator, preset)
    coarse = (COARSE_LAYERS.stop if isinstance(generator, Generator)
              else coarse_layer_count(store.codes.shape[1]))
    return LatentRagReplacer(embedder, generator, store, preset, device, coarse)


def _generator(files: OwnFiles, directory: Path | None, store: RetrievalStore,
               device: str) -> tuple[Generator | OwnGenerator, str]:
    if files.generator is None:
        path = weights_file(GENERATOR_FILE, directory)
        return load_generator(path, device), sha256_of(path)
    generator = load_own_generator(files.generator, store.codes, files.generator_range, device)
    return generator, generator.fingerprint


def _check_differentiable(embedder: OwnEmbedder, generator: Generator | OwnGenerator,
                          preset: Preset) -> None:
    if not preset.iterations and not preset.warm_iterations:
        return
    needed = [('identity.model', embedder, 'give a checkpoint or TorchScript in place of ONNX')]
    if not preset.perturbation:
        needed.append(('latent_rag.generator', generator, 'export it without torch.no_grad'))
    for name, network, how in needed:
        if not getattr(network, 'differentiable', True):
            raise WeightsError(
                f'{name} lets no gradients through, which the refinement of Latent-RAG needs; '
                f'{how}, or set latent_rag.iterations to 0: retrieve and fuse only')
