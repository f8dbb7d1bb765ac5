"""Makes every trained weights file from seeds: people, networks, store, manifest."""
from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from latent_rag_ros.evaluation.gallery_calibration import measured_calibrations
from latent_rag_ros.feature_privacy.row_names import DECODER_PROTECTED, PROTECTED, TRAINED
from latent_rag_ros.feature_privacy.settings import ProtectionSettings
from latent_rag_ros.feature_privacy.train_protection_head import train_protection_head
from latent_rag_ros.gallery.calibration import SHIPPED_FILE, save_calibrations
from latent_rag_ros.latent_rag.code_predictor import PREDICTOR_FILE
from latent_rag_ros.latent_rag.replacer import EMBEDDER_FILE, GENERATOR_FILE, STORE_FILE
from latent_rag_ros.training.build_store import store_of
from latent_rag_ros.training.crops import Crops, load_crops
from latent_rag_ros.training.recipe import People, Recipe
from latent_rag_ros.training.train_code_predictor import train_code_predictor
from latent_rag_ros.training.train_embedder import train_embedder
from latent_rag_ros.training.train_generator import train_generator
from latent_rag_ros.weights.registry import register, weights_file

LOGGER = logging.getLogger(__name__)
UNSEEN_FILE, CALIBRATION_FILE = 'unseen_embedder.safetensors', SHIPPED_FILE.name
ON_REQUEST = ('decoder_protection_head',)
"""Steps that `all` leaves out: these weights are compared with, and not shipped."""


class Training:
    """The steps of one recipe in one folder; what is there already is not made again.

    Parameters
    ----------
    recipe : Recipe
    directory : Path
        Weights, checkpoints, logs and, below `people/`, the rendered crops.
    device : str
        `cpu` or `cuda:N`.
    workers : int
        Processes that render.
    initial : Path, optional
        Weights the embedders go on from; None starts them from random ones.
    """

    def __init__(self, recipe: Recipe, directory: Path, device: str = 'cpu',
                 workers: int = 1, initial: Path | None = None) -> None:
        self.recipe, self.directory, self.device, self.workers = recipe, directory, device, workers
        self.initial = initial
        self.steps: dict[str, tuple[str, Callable[[], None]]] = {
            'embedder': (EMBEDDER_FILE, self._train_embedder),
            'unseen_embedder': (UNSEEN_FILE, self._train_unseen_embedder),
            'generator': (GENERATOR_FILE, self._train_generator),
            'store': (STORE_FILE, self._build_store),
            'code_predictor': (PREDICTOR_FILE, self._train_code_predictor),
            'protection_head': (TRAINED[PROTECTED], self._train_protection_head),
            'gallery_calibration': (CALIBRATION_FILE, self._calibrate),
            'decoder_protection_head': (TRAINED[DECODER_PROTECTED],
                                           self._train_decoder_protection_head)}

    def make(self, step: str) -> None:
        """Make one file, or with `all` every shipped file, those first that others need.

        Raises
        ------
        WeightsError
            A file that the step stands on is missing or broken.
        """
        for name, (file, action) in self.steps.items():
            if step != name and (step != 'all' or name in ON_REQUEST):
                continue
            if (self.directory / file).exists():
                LOGGER.info('%s is there; delete it to make it again', file)
                continue
            action()
            register(self.directory / file)

    def people(self, name: str, people: People) -> Crops:
        """Return rendered people, rendered now if they are not there yet."""
        from latent_rag_ros.synthesis.dataset import Settings, render_dataset

        directory = self.directory / 'people' / name
        render_dataset(Settings(people.people, people.crops, frames=0, seed=people.seed),
                       directory, self.workers)
        return load_crops(directory / 'crops', people.seed)

    def _training_people(self) -> Crops:
        return self.people('training', self.recipe.training_people)

    def _train_embedder(self) -> None:
        train_embedder(self._training_people(), self.directory, self.recipe.embedder, self.device,
                       self.initial)

    def _train_unseen_embedder(self) -> None:
        train_embedder(self._training_people(), self.directory, self.recipe.unseen_embedder,
                       self.device, self.initial)

    def _train_protection_head(self) -> None:
        self._protect(self.recipe.protection_head)

    def _train_decoder_protection_head(self) -> None:
        self._protect(self.recipe.decoder_protection_head)

    def _protect(self, settings: ProtectionSettings) -> None:
        initial = self.initial or weights_file(EMBEDDER_FILE, self.directory)
        train_protection_head(self._training_people(), initial, self.directory, settings,
                                 self.device)

    def _train_generator(self) -> None:
        train_generator(self._training_people(), self.directory / EMBEDDER_FILE, self.directory,
                        self.recipe.generator, self.device)
        register(self.directory / 'encoder.safetensors')

    def _build_store(self) -> None:
        people = self.people('store', self.recipe.store_people)
        store_of(people, self.directory, self.device).save(self.directory / STORE_FILE)

    def _train_code_predictor(self) -> None:
        train_code_predictor(self._training_people(), self.directory, self.recipe.code_predictor,
                             self.device)

    def _calibrate(self) -> None:
        self.people('store', self.recipe.store_people)  # nobody who trained a network
        save_calibrations(self.directory / CALIBRATION_FILE, measured_calibrations(
            self.directory / 'people' / 'store', self.directory, self.device))
