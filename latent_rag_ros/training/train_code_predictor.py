"""Train the code predictor: what refinement does in ten gradient steps, learned once for all.

    L = (1 - cos(E(q(G(w))), f)) + a relu(PSNR(G(w), x) - p) + b relu(SSIM(G(w), x) - s) + c R(w)

for rendered people x with the feature f = E(x). w is predicted from f and from the fused code of
the people that f retrieves, and then once more from where the first prediction got; generator,
embedder and store are frozen. q is what happens to the picture afterwards, 8 bits and JPEG, with a
straight-through gradient. R grows where a row of the code leaves the spread of the store, where
the generator draws no people any more.

The store holds other people than those who are trained on: nobody retrieves himself.
"""
from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from latent_rag_ros.latent_rag.code_predictor import (
    PREDICTOR_FILE, CodePredictor, save_code_predictor)
from latent_rag_ros.latent_rag.presets import PRESETS
from latent_rag_ros.latent_rag.replacer import (
    EMBEDDER_FILE, GENERATOR_FILE, STORE_FILE, LatentRagReplacer)
from latent_rag_ros.protection.similarity import psnr_of, ssim_of
from latent_rag_ros.training.crops import Crops
from latent_rag_ros.training.train_generator import jittered
from latent_rag_ros.training.trainer import Schedule, Trainer
from latent_rag_ros.weights.registry import sha256_of


@dataclass(frozen=True)
class CodePredictorSettings:
    """Settings of one run; they go into the weights' metadata."""

    iterations: int = 2400
    batch: int = 12
    looks: int = 2
    """Predictions in a row, each with a loss of its own."""
    learning_rate: float = 1.5e-3
    seed: int = 6
    psnr_weight: float = 0.1
    """a, per dB."""
    psnr_db_wanted: float = 10.8
    """p: the mean PSNR of a batch is pushed down to this, about what ten gradient steps reach.
    Far below it all people come out before one garish background."""
    ssim_weight: float = 2.0
    ssim_wanted: float = 0.23
    """s, for the mean SSIM of a batch."""
    spread_weight: float = 0.1
    jpeg_share: float = 0.5
    jpeg_quality_min: int = 50


def after_transport(images: Tensor, jpeg_share: float, quality_min: int,
                    random: np.random.Generator) -> Tensor:
    """Return images (n, 3, h, w), RGB in 0..1, as 8-bit pictures, a share of them after JPEG.

    Gradients pass as if nothing had happened (straight-through, Bengio et al., 2013). The JPEG
    qualities are drawn from `quality_min` to 95.
    """
    pictures = (images.detach() * 255).round().clamp(0, 255).byte()
    pictures = pictures.permute(0, 2, 3, 1).cpu().numpy()
    for row in np.flatnonzero(random.random(len(pictures)) < jpeg_share):
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(quality_min, 96))]
        _, data = cv2.imencode('.jpg', pictures[row][:, :, ::-1], quality)
        pictures[row] = cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1]
    transported = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2)
    return images + (transported.to(images.device).float() / 255 - images.detach())


def spread_excess(relative: Tensor) -> Tensor:
    """Return how far codes leave the spread of the store, scalar, 0 inside.

    `relative` are codes (n, L, D) minus the store's mean code, in deviations of their layer.
    """
    length = relative.square().mean(2).add(1e-8).sqrt()     # (n, L), 1 for a typical code
    return functional.relu(length - 1).square().mean()


class CodePredictorTraining:
    """One training of the code predictor.

    Parameters
    ----------
    crops : Crops
        Rendered people, none of whom is in the store.
    replacer : LatentRagReplacer
        The frozen networks and the store, with the settings of retrieval and fusion.
    settings : CodePredictorSettings
    directory : Path
        Where checkpoint and log go.
    """

    def __init__(self, crops: Crops, replacer: LatentRagReplacer,
                 settings: CodePredictorSettings, directory: Path) -> None:
        torch.manual_seed(settings.seed)
        self.crops, self.replacer, self.settings = crops, replacer, settings
        self.device = torch.device(replacer.device)
        self.predictor = CodePredictor.for_store(replacer.store).to(self.device)
        self.optimiser = torch.optim.Adam(self.predictor.parameters(), betas=(0.9, 0.98))
        self.trainer = Trainer(
            {'code_predictor': self.predictor}, {'code_predictor': self.optimiser},
            Schedule(settings.iterations, settings.learning_rate, warm_up_iterations=30,
                     seed=settings.seed),
            directory, 'code_predictor')

    def run(self) -> CodePredictor:
        """Return the averaged predictor."""
        return self.trainer.run(self.step)['code_predictor']

    def step(self, iteration: int, random: np.random.Generator) -> dict[str, float]:
        """Take one step; returns the parts of the loss."""
        rows = random.integers(0, len(self.crops.images), self.settings.batch)
        crops = jittered(self.crops.tensor(rows).to(self.device))
        with torch.no_grad():
            features = self.replacer.embedder.embed(crops)
            found = self.replacer.retrieve(features)
            codes, reached = self.replacer.fuse(found), self.replacer.neighbours(found)
        self.optimiser.zero_grad()
        logged = {}
        for look in range(1, self.settings.looks + 1):
            codes = self.predictor(features, reached, codes)
            loss, parts, reached = self.losses(crops, features, codes, random)
            loss.backward()
            codes, reached = codes.detach(), reached.detach()
            logged |= {f'{name}_{look}': float(value.detach()) for name, value in parts.items()}
        nn.utils.clip_grad_norm_(self.predictor.parameters(), 1.0)
        self.optimiser.step()
        return logged

    def losses(self, crops: Tensor, features: Tensor, codes: Tensor, random: np.random.Generator
               ) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Draw codes (n, 10, 64) and compare them with the people they stand for.

        `crops` has shape (n, 3, 128, 64), RGB in 0..1; `features` are theirs, (n, 256). Returns
        the loss, its parts by name, and the features of the drawn people, (n, 256).
        """
        settings, replacer = self.settings, self.replacer
        with torch.autocast(self.device.type, torch.bfloat16):
            images = replacer.generator(codes).float()
            seen = after_transport(images, settings.jpeg_share, settings.jpeg_quality_min, random)
            reached = replacer.embedder.embed(seen)
        relative = (codes - self.predictor.centre) / self.predictor.deviation
        parts = {'identity': 1 - (reached * features).sum(1).mean(),
                 'psnr_db': psnr_of(images, crops).mean(), 'ssim': ssim_of(images, crops).mean(),
                 'spread': spread_excess(relative)}
        too_alike = (
            settings.psnr_weight * functional.relu(parts['psnr_db'] - settings.psnr_db_wanted)
            + settings.ssim_weight * functional.relu(parts['ssim'] - settings.ssim_wanted))
        loss = parts['identity'] + too_alike + settings.spread_weight * parts['spread']
        return loss, parts, reached


def train_code_predictor(crops: Crops, weights: Path, settings: CodePredictorSettings,
                         device: str = 'cpu') -> None:
    """Train on `crops` and write `code_predictor.safetensors` beside the weights it belongs to.

    Embedder, generator and store come from the folder `weights`. Raises `WeightsError` when one
    of them is missing, damaged, or made with others.
    """
    replacer = LatentRagReplacer.load(weights, PRESETS['robot_t10'], device)
    training = CodePredictorTraining(crops, replacer, settings, weights)
    hashes = {name: sha256_of(weights / name)
              for name in (EMBEDDER_FILE, GENERATOR_FILE, STORE_FILE)}
    metadata = json.dumps(asdict(settings) | {
        'identities': len(np.unique(crops.identities)), 'crops': len(crops.images)})
    save_code_predictor(training.run().cpu(), weights / PREDICTOR_FILE, hashes, metadata)
