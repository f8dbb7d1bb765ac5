"""Latent-RAG end to end: features in, replacement persons out. Each step is a method.

    f = E(x);  retrieve -> fuse -> refine -> synthesise                    by gradient steps
    f = E(x);  retrieve -> fuse -> predict -> synthesise, and again        with a code predictor
    f = E(x);  retrieve -> fuse with a stranger -> perturb -> synthesise   for one network alone

The query picture x reaches only the losses of the refinement; it is never encoded.
"""
from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latent_rag_ros.engine.choice import resolve_engine
from latent_rag_ros.identity.embedder import Embedder, load_embedder
from latent_rag_ros.latent_rag.code_predictor import (
    PREDICTOR_FILE, CodePredictor, has_code_predictor, load_code_predictor)
from latent_rag_ros.latent_rag.fast_generator import FastGenerator
from latent_rag_ros.latent_rag.fusion import fuse
from latent_rag_ros.latent_rag.generator import COARSE_LAYERS, Generator, load_generator
from latent_rag_ros.latent_rag.perturbation import (
    PerturbationLayout, PerturbationSettings, perturb)
from latent_rag_ros.latent_rag.presets import Preset
from latent_rag_ros.latent_rag.refinement import RefinementSettings, refine
from latent_rag_ros.latent_rag.store import RetrievalStore, check_made_with, load_store
from latent_rag_ros.weights.registry import (
    WEIGHTS_DIRECTORY, WeightsError, sha256_of, weights_file)

LOGGER = logging.getLogger(__name__)
EMBEDDER_FILE = 'embedder.safetensors'
GENERATOR_FILE = 'generator.safetensors'
STORE_FILE = 'store.safetensors'
NEVER_STOP = 2.0
"""A cosine that no person reaches."""


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
        Gradient steps each person took, shape (n,), int64.
    looks : Tensor
        Predictions each person took, shape (n,), int64.
    """

    images: Tensor
    codes: Tensor
    iterations: Tensor
    looks: Tensor


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
    predictor : CodePredictor, optional
        What a preset that predicts uses; without it such a preset takes gradient steps.
    seed : int, optional
        Of the people that a preset draws at random, for measurements; None is another one in
        every process.
    """

    def __init__(self, embedder: Embedder, generator: Generator | FastGenerator,
                 store: RetrievalStore,
                 preset: Preset, device: str = 'cpu', coarse_layers: int = COARSE_LAYERS.stop,
                 predictor: CodePredictor | None = None, seed: int | None = None) -> None:
        self.embedder, self.generator, self.store = embedder, generator, store
        self.preset, self.device = preset, device
        self._predictor = predictor if preset.looks else None
        if preset.looks and predictor is None:
            LOGGER.info('no code predictor belongs to these weights: codes are refined by up to '
                        '%d gradient steps, which takes longer', preset.iterations)
        self._codes, self._features = store.codes.to(device), store.features.to(device)
        layers = store.layer_deviation if preset.relative_steps else torch.ones(
            self._codes.shape[1], 1)
        self._step_unit = layers.to(device)
        self._coarse_layers = coarse_layers
        self._random = np.random.default_rng(seed)
        self.image_size_px = self._probed_size_px()
        """Height and width of the synthesised images."""
        self._layout = None if not preset.perturbation else PerturbationLayout(
            self.image_size_px, self._codes.shape[2], preset.perturbation)

    @classmethod
    def load(cls, directory: Path | None, preset: Preset, device: str = 'cpu',
             embedder: Embedder | None = None, seed: int | None = None,
             engine: str = 'plain') -> LatentRagReplacer:
        """Load embedder, generator and store of one release from `directory` (None: shipped).

        `engine` is what draws on the CPU, one of `engine.choice.ENGINES`; gradients come from
        PyTorch. An `embedder` that is given computes as it does.

        Raises
        ------
        WeightsError
            A file is missing or damaged, or the files do not belong together.
        """
        paths = {name: weights_file(name, directory)
                 for name in (EMBEDDER_FILE, GENERATOR_FILE, STORE_FILE)}
        hashes = {name: sha256_of(path) for name, path in paths.items()}
        store = load_store(paths[STORE_FILE])
        check_made_with(store, {name: hashes[name] for name in (EMBEDDER_FILE, GENERATOR_FILE)})
        predictor = None
        if preset.looks and has_code_predictor(directory or WEIGHTS_DIRECTORY):
            predictor = load_code_predictor(weights_file(PREDICTOR_FILE, directory), hashes,
                                            device)
        embedder = embedder or load_embedder(paths[EMBEDDER_FILE], device)
        generator = load_generator(paths[GENERATOR_FILE], device)
        if device == 'cpu' and resolve_engine(engine) != 'plain':
            generator = FastGenerator(generator)
        return cls(embedder, generator, store, preset, device, predictor=predictor, seed=seed)

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
        """Return zeros of shape (count, L, D) to be filled with codes.

        Where the preset perturbs, the rows of the perturbation follow the L rows of the code, here
        and wherever codes are spoken of.
        """
        layers, dimension = self._codes.shape[1:]
        rows = self._layout.rows if self._layout else 0
        return torch.zeros(count, layers + rows, dimension, device=self.device)

    def retrieve(self, features: Tensor) -> NDArray:
        """Return the store rows of the nearest synthetic people, shape (n, neighbours)."""
        return self.store.search(features, self.preset.neighbours)

    def fuse(self, rows: NDArray) -> Tensor:
        """Return one fused code per person, shape (n, L, D), from store rows (n, neighbours).

        `Preset.stranger` says how far towards somebody else of the store, drawn at random.
        """
        preset = self.preset
        found = self._codes[torch.from_numpy(rows).to(self.device)]
        fused = fuse(found, preset.attention, preset.temperature)
        if preset.stranger:
            drawn = torch.from_numpy(self._random.integers(len(self.store), size=len(rows)))
            # not lerp: at 1 nothing of the person may be left, not even by rounding
            fused = ((1 - preset.stranger) * fused
                     + preset.stranger * self._codes[drawn.to(self.device)])
        codes = self.empty_codes(len(fused))
        codes[:, :self._layers] = fused
        return codes

    @property
    def _layers(self) -> int:
        """L, rows of a code that the generator takes."""
        return self._codes.shape[1]

    @property
    def predicts(self) -> bool:
        """Whether codes are predicted, and corrected only where that does not suffice."""
        return self._predictor is not None

    def neighbours(self, rows: NDArray) -> Tensor:
        """Return the mean feature of the people in `retrieve`'s rows, shape (n, d)."""
        return self._features[torch.from_numpy(rows).to(self.device)].mean(1)

    @torch.no_grad()
    def predict(self, features: Tensor, reached: Tensor, codes: Tensor) -> Tensor:
        """Return codes closer to the features, shape (n, L, D); see `CodePredictor.forward`.

        Only for a replacer that `predicts`.
        """
        return self._predictor(features, reached, codes)

    def refine(self, crops: Tensor, features: Tensor, codes: Tensor,
               deadline_s: float | None = None) -> tuple[Tensor, Tensor]:
        """Refine fused codes (n, L, D) by gradient steps alone; see `refinement.refine`."""
        preset = self.preset
        return self._steps(crops, features, codes, preset.iterations, preset.stop_cosine,
                           preset.coarse_step, deadline_s)

    def refine_warm(self, crops: Tensor, features: Tensor, codes: Tensor,
                    deadline_s: float | None = None) -> tuple[Tensor, Tensor]:
        """Refine codes that come from the last frame of the track; as `refine`.

        Only their fine layers move, because coarse steps add up over the frames without limit and
        would pull the body apart.
        """
        preset = self.preset
        return self._steps(crops, features, codes, preset.warm_iterations,
                           preset.warm_stop_cosine, 0.0, deadline_s)

    def correct(self, crops: Tensor, features: Tensor, codes: Tensor,
                deadline_s: float | None = None) -> tuple[Tensor, Tensor]:
        """Take the few true gradient steps after the prediction, for persons who ask; as `refine`.

        Only fine layers move, until the identity is as close as refinement would bring it.
        """
        preset = self.preset
        return self._steps(crops, features, codes, preset.corrections, preset.stop_cosine, 0.0,
                           deadline_s)

    def move_away(self, crops: Tensor, features: Tensor, codes: Tensor,
                  deadline_s: float | None = None) -> tuple[Tensor, Tensor]:
        """Correct persons whose pictures are too much like the input; as `refine`.

        Coarse and fine layers move, for all of `Preset.corrections` steps.
        """
        preset = self.preset
        return self._steps(crops, features, codes, preset.corrections, NEVER_STOP,
                           preset.coarse_step, deadline_s)

    def _steps(self, crops: Tensor, features: Tensor, codes: Tensor, iterations: int,
               stop_cosine: float, coarse_step: float,
               deadline_s: float | None) -> tuple[Tensor, Tensor]:
        if self._layout:
            return self._perturbed(features, codes, iterations, stop_cosine, deadline_s)
        unit, coarse = self._step_unit, self._coarse_layers
        settings = RefinementSettings(
            iterations, coarse_step * unit[:coarse], self.preset.fine_step * unit[coarse:],
            self.preset.momentum, stop_cosine, deadline_s, coarse)
        return refine(self.generator, self.embedder, crops, features, codes, settings)

    def _perturbed(self, features: Tensor, codes: Tensor, iterations: int, stop_cosine: float,
                   deadline_s: float | None) -> tuple[Tensor, Tensor]:
        """Search the perturbations of codes further; the people they show stay."""
        preset, layers = self.preset, self._layers
        settings = PerturbationSettings(iterations, preset.fine_step, preset.momentum, stop_cosine,
                                        deadline_s)
        with torch.no_grad():
            images = self.generator(codes[:, :layers])
        rows, taken = perturb(self.embedder, self._layout, images, features, codes[:, layers:],
                              settings)
        return torch.cat([codes[:, :layers], rows], 1), taken

    @torch.no_grad()
    def synthesise(self, codes: Tensor) -> Tensor:
        """Return 8-bit images of codes (n, L, D): (n, 3, h, w), uint8, RGB.

        Raises `ValueError` when the generator gives numbers that are not finite: what they would
        be as bytes depends on the machine.
        """
        images = self.generator(codes[:, :self._layers])
        if self._layout:
            images = self._layout.perturbed(images, codes[:, self._layers:])
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
        rows = self.retrieve(features)
        codes = self.fuse(rows)
        if not self.predicts:
            codes, taken = self.refine(crops, features, codes)
            return Replacement(self.synthesise(codes), codes, taken, torch.zeros_like(taken))
        looked, cosine = self._looked(features, self.neighbours(rows), codes)
        asking = cosine < self.preset.correction_cosine
        if self.preset.corrections and asking.any():
            codes, taken = self.correct(crops[asking], features[asking], looked.codes[asking])
            looked.codes[asking], looked.iterations[asking] = codes, taken
            looked.images[asking] = self.synthesise(codes)
        return looked

    def _looked(self, features: Tensor, reached: Tensor,
                codes: Tensor) -> tuple[Replacement, Tensor]:
        """Return the persons after all looks that they asked for, and their identity cosines."""
        count, device = len(codes), codes.device
        images = torch.zeros(count, 3, *self.image_size_px, dtype=torch.uint8, device=device)
        looks = torch.zeros(count, dtype=torch.int64, device=device)
        asking = torch.ones(count, dtype=torch.bool, device=device)
        for _ in range(self.preset.looks):
            codes[asking] = self.predict(features[asking], reached[asking], codes[asking])
            images[asking] = self.synthesise(codes[asking])
            reached[asking] = self.features_of(images[asking])
            looks[asking] += 1
            cosine = (reached * features).sum(1)
            asking = cosine < self.preset.look_cosine
            if not asking.any():
                break
        return Replacement(images, codes, torch.zeros_like(looks), looks), cosine

    @torch.no_grad()
    def features_of(self, images: Tensor) -> Tensor:
        """Return the identity features (n, d) of 8-bit images (n, 3, h, w), RGB."""
        return self.embedder.embed(images.float() / 255)
