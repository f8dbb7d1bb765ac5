"""Do protected pictures still match? Features of replaced people against those of real ones."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from latent_rag_ros.evaluation.attacks.interface import Images
from latent_rag_ros.evaluation.embedding import embed_images
from latent_rag_ros.evaluation.feature_data import FeatureNetworks
from latent_rag_ros.evaluation.figures import Figures, ranking_figures
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.protect import protect
from latent_rag_ros.evaluation.results_file import weights_hashes
from latent_rag_ros.feature_privacy.extractors import Extractor
from latent_rag_ros.identity.embedder import load_embedder
from latent_rag_ros.latent_rag.presets import PRESETS
from latent_rag_ros.latent_rag.replacer import EMBEDDER_FILE, LatentRagReplacer
from latent_rag_ros.weights.registry import weights_file

PRESET = 'robot'


def matching(extractors: Sequence[Extractor], people: HeldOutPeople,
             networks: FeatureNetworks) -> dict[str, Figures]:
    """Return how well replaced people are found among real pictures, by extractor.

    The filter compares plain features when it replaces somebody. This asks whether the features
    that are published of the replaced person lead to the same identity.

    Parameters
    ----------
    extractors : sequence of Extractor
    people : HeldOutPeople
        Nobody of them is in the retrieval store.
    networks : FeatureNetworks
        Names the weights of the replacement, the device and the folder where pictures are kept.

    Returns
    -------
    dict
        `prot_raw` and `raw_raw` of each, with `rank1` and `map`.
    """
    replaced = _replaced(people, networks)
    figures = {}
    for extractor in extractors:
        query, gallery = (extractor.published(embed_images(extractor.network, images,
                                                           networks.device))
                          for images in (replaced, people.images))
        figures[extractor.name] = {
            'prot_raw': ranking_figures(query, gallery, people.labels, people.queries),
            'raw_raw': ranking_figures(gallery, gallery, people.labels, people.queries)}
    return figures


def _replaced(people: HeldOutPeople, networks: FeatureNetworks) -> Images:
    """Return everybody replaced by Latent-RAG, made once; shape (n, 128, 64, 3), uint8, RGB."""
    store = weights_hashes(networks.weights)['store.safetensors'][:12]
    path = networks.work / 'features' / f'{PRESET}-{store}-{len(people)}.npy'
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        replacer = LatentRagReplacer.load(networks.weights, PRESETS[PRESET], networks.device)
        embedder = load_embedder(weights_file(EMBEDDER_FILE, networks.weights), networks.device)
        _save(path, protect(people.images, replacer, embedder, networks.device).images)
    return np.load(path)


def _save(path: Path, images: Images) -> None:
    temporary = path.with_suffix('.partial.npy')
    np.save(temporary, images)
    temporary.replace(path)
