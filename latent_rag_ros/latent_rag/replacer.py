"""Latent-RAG end to end: features in, replacement persons out. Each step is a method.

    f = E(x);  retrieve -> fuse -> refine -> synthesise

The query picture x reaches only the losses of the refinement; it is never encoded.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from numpy.typing import NDArray
from torch import Tensor

from latent_rag_ros.identity.embedder import Embedder, load_embedder
from latent_rag_ros.latent_rag.fusion import fuse
from latent_rag_ros.latent_rag.generator import COARSE_LAYERS, Generator, load_generator
from latent_rag_ros.latent_rag.presets import Preset
from latent_rag_ros.latent_rag.refinement import RefinementSettings, refine
from latent_rag_ros.latent_rag.store import RetrievalStore, check_made_with, load_store
from latent_rag_ros.weights.registry import WeightsError, sha256_of, weights_file

EMBEDDER_FILE = 'embedder.safetensors'
GENERATOR_FILE = 'generator.safetensors'
STORE_FILE = 'store.safetensors'


@dataclass(frozen=True)
class Replacement:
    """Replacement persons of one batch.

    Parameters
    ----------
    images : Tensor
        Shape (n, 3, *image_size_px), uint8, RGB.
    codes : Tensor
        W+ codes they were synthesised from, shape (n, L, D).
    iterations : Tensor
        Refinement iterations each person took, shape (n,).
    """

    images: Tensor
    codes: Tensor
    iterations: Tensor


class LatentRagReplacer:
    """Replaces persons by synthetic ones whose identity feature stays close.

    Parameters
    ----------
    embedder, generator, store
        Weights that belong together.
    preset : Preset
        Settings of retrieval, fusion and refinement.
    device : str
        Device of the networks, such as `cpu` or `cuda:0`.
    coarse_layers : int
        How many first layers of a code are coarse.
    """

    def __init__(self, embedder: Embedder, generator: Generator, store: RetrievalStore,
                 preset: Preset, device: str = 'cpu',
                 coarse_layers: int = COARSE_LAYERS.stop) -> None:
        self.embedder, self.generator, self.store = embedder, generator, store
        self.preset, self.device = preset, device
        self._codes = store.codes.to(device)
        layers = store.layer_deviation if preset.relative_steps else torch.ones(
            self._codes.shape[1], 1)
        self._step_unit = layers.to(device)
        self._coarse_layers = coarse_layers
        self.image_size_px = self._probed_size_px()
        """Height and width of the synthesised images."""

    @classmethod
    def load(cls, directory: Path | None, preset: Preset, device: str = 'cpu',
             embedder: Embedder | None = None) -> LatentRagReplacer:
        """Load embedder, generator and store of one release from `directory` (None: shipped).

        Raises
        ------
        WeightsError
            A file is missing or damaged, or the files do not belong together.
        """
        paths = {name: weights_file(name, directory)
                 for name in (EMBEDDER_FILE, GENERATOR_FILE, STORE_FILE)}
        store = load_store(paths[STORE_FILE])
        check_made_with(store, {name: sha256_of(paths[name])
                                for name in (EMBEDDER_FILE, GENERATOR_FILE)})
        embedder = embedder or load_embedder(paths[EMBEDDER_FILE], device)
        return cls(embedder, load_generator(paths[GENERATOR_FILE], device), store, preset, device)

    @torch.no_grad()
    def _probed_size_px(self) -> tuple[int, int]:
        code = self._codes[:1]
        try:
            height_px, width_px = self.generator(code).shape[2:]
        except RuntimeError as error:
            raise WeightsError(f'the generator draws no codes of shape {tuple(code.shape[1:])}, '
                               f'which the store holds ({error}); use weights of one release '
                               'together, or build the store again') from error
        return int(height_px), int(width_px)

    def empty_codes(self, count: int) -> Tensor:
        """Return zeros of shape (count, L, D) to be filled with codes."""
        return torch.zeros(count, *self._codes.shape[1:], device=self.device)

    def retrieve(self, features: Tensor) -> NDArray:
        """Return the store rows of the nearest synthetic people, shape (n, neighbours)."""
        return self.store.search(features, self.preset.neighbours)

    def fuse(self, rows: NDArray) -> Tensor:
        """Return one fused code per person, shape (n, L, D), from store rows (n, neighbours)."""
        codes = self._codes[torch.from_numpy(rows).to(self.device)]
        return fuse(codes, self.preset.attention, self.preset.temperature)

    def refine(self, crops: Tensor, features: Tensor, codes: Tensor, warm: bool = False,
               deadline_s: float | None = None) -> tuple[Tensor, Tensor]:
        """Refine codes (n, L, D); see `refinement.refine`.

        `warm` codes come from the last frame of the track: only their fine layers move, because
        coarse steps add up over the frames without limit and would pull the body apart.
        """
        preset, unit = self.preset, self._step_unit
        coarse_step = 0.0 if warm else preset.coarse_step
        settings = RefinementSettings(
            iterations=preset.warm_iterations if warm else preset.iterations,
            coarse_steps=coarse_step * unit[:self._coarse_layers],
            fine_steps=preset.fine_step * unit[self._coarse_layers:],
            momentum=preset.momentum, deadline_s=deadline_s, coarse_layers=self._coarse_layers,
            stop_cosine=preset.warm_stop_cosine if warm else preset.stop_cosine)
        return refine(self.generator, self.embedder, crops, features, codes, settings)

    @torch.no_grad()
    def synthesise(self, codes: Tensor) -> Tensor:
        """Return 8-bit images of codes (n, L, D): (n, 3, h, w), uint8, RGB.

        Raises `ValueError` when the generator gives numbers that are not finite: what they would
        be as bytes depends on the machine.
        """
        images = self.generator(codes)
        if not images.isfinite().all():
            raise ValueError('the generator gave numbers that are not finite; check the weights')
        return (images * 255).round().clamp(0, 255).byte()

    def replace(self, crops: Tensor, features: Tensor) -> Replacement:
        """Replace persons seen for the first time.

        Parameters
        ----------
        crops : Tensor
            Shape (n, 3, *image_size_px), RGB in 0..1, on the replacer's device.
        features : Tensor
            Identity features of the crops, shape (n, 256), L2 norm 1.
        """
        codes, iterations = self.refine(crops, features, self.fuse(self.retrieve(features)))
        return Replacement(self.synthesise(codes), codes, iterations)
