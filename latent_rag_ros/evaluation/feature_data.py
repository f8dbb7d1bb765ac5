"""Networks and people of one run of `latent-rag evaluate features`; features are kept on disk."""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.evaluation.embedding import EmbeddingNetwork, embed_images
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.feature_people import Subjects
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.unseen import UNSEEN_WEIGHTS, load_unseen_embedder
from latent_rag_ros.feature_privacy.extractors import (
    Extractor, changed_extractor, trained_extractor)
from latent_rag_ros.feature_privacy.protection_head import ProtectedExtractor
from latent_rag_ros.feature_privacy.row_names import PLAIN, TRAINED
from latent_rag_ros.training.unseen_embedder import UnseenEmbedder
from latent_rag_ros.weights.registry import sha256_of, weights_file


@dataclass(frozen=True)
class FeatureData:
    """Who attacks and who is attacked.

    Parameters
    ----------
    attackers : Subjects
        Rendered people whom the attackers photographed.
    held_out : tuple of Subjects
        Rendered people of other seeds, one set per seed of the attackers.
    real : Subjects or None
        Pedestrians of `vtest.avi`.
    replaced : HeldOutPeople or None
        Whoever is replaced by Latent-RAG, to see whether protected pictures still match.
    """

    attackers: Subjects
    held_out: tuple[Subjects, ...]
    real: Subjects | None = None
    replaced: HeldOutPeople | None = None

    @property
    def victims(self) -> tuple[Subjects, ...]:
        """Return everybody whose features are attacked."""
        return self.held_out if self.real is None else (*self.held_out, self.real)


@dataclass
class FeatureNetworks:
    """The extractors of the table and the independent network, with the features they gave.

    Parameters
    ----------
    weights : Path or None
        Folder with the weights; None takes the shipped ones.
    device : str
        `cpu` or `cuda:N`.
    work : Path
        Where features are kept.
    """

    weights: Path | None
    device: str
    work: Path
    _extractors: dict[str, Extractor | None] = field(default_factory=dict)

    def independent(self) -> UnseenEmbedder:
        """Return the re-ID network that recognises reversed pictures.

        Raises `EvaluationError` when the weights lack one.
        """
        network = load_unseen_embedder(self.weights, self.device)
        if network is None:
            raise EvaluationError('unseen_embedder.safetensors is not in the weights; an '
                                  'independent network has to recognise reversed pictures: '
                                  'latent-rag train unseen_embedder')
        return network

    def plain(self) -> Extractor:
        """Return the plain extractor. Raises `EvaluationError` when the weights lack it."""
        extractor = self.extractor(PLAIN, None)
        if extractor is None:
            raise EvaluationError(f'{TRAINED[PLAIN]} is not in {self.weights}; make it with: '
                                  'latent-rag train embedder')
        return extractor

    def extractor(self, name: str, attackers: Subjects | None) -> Extractor | None:
        """Return a row of the table; None where its weights are not there.

        `attackers` are the people that simple protections are fitted on.
        """
        if name not in self._extractors:
            if name in TRAINED:
                self._extractors[name] = trained_extractor(name, self.weights, self.device)
            else:
                plain = self.plain()
                self._extractors[name] = changed_extractor(
                    name, plain, self.network_features(plain, attackers))
        return self._extractors[name]

    def network_features(self, extractor: Extractor,
                         subjects: Subjects) -> NDArray[np.float32]:
        """Return the features of the extractor's network before any change, shape (n, d)."""
        if isinstance(extractor.network, ProtectedExtractor):
            plain = self.network_features(self.plain(), subjects)
            with torch.no_grad():
                rows = torch.from_numpy(plain).to(self.device)
                return extractor.network.head.protect(rows).cpu().numpy()
        return self._kept(extractor.weights_sha256, extractor.network, subjects)

    def recognised(self, subjects: Subjects) -> NDArray[np.float32]:
        """Return the features of these people by the independent network, shape (n, d)."""
        sha256 = sha256_of(weights_file(UNSEEN_WEIGHTS, self.weights))
        return self._kept(sha256, self.independent(), subjects)

    def _kept(self, sha256: str, network: EmbeddingNetwork,
              subjects: Subjects) -> NDArray[np.float32]:
        """Return features of a network, once computed; those of real people are not kept."""
        if not subjects.traits:
            return embed_images(network, subjects.people.images, self.device)
        path = self.work / 'features' / f'{sha256[:12]}-{subjects.fingerprint}.npy'
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix('.partial.npy')
            np.save(temporary, embed_images(network, subjects.people.images, self.device))
            temporary.replace(path)
        return np.load(path)

    def published(self, extractor: Extractor, subjects: Subjects) -> NDArray[np.float32]:
        """Return what the extractor publishes of these people, shape (n, d')."""
        return extractor.published(self.network_features(extractor, subjects))
