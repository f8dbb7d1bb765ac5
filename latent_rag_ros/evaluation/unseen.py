"""The re-ID network that no protection ever sees: it tells transfer from adversarial noise."""
from __future__ import annotations

from pathlib import Path

from latent_rag_ros.evaluation.results_file import weights_hashes
from latent_rag_ros.training.unseen_embedder import UnseenEmbedder
from latent_rag_ros.weights.registry import weights_file
from latent_rag_ros.weights.tensors import load_network

UNSEEN_WEIGHTS = 'unseen_embedder.safetensors'


def load_unseen_embedder(directory: Path | None = None,
                         device: str = 'cpu') -> UnseenEmbedder | None:
    """Load the unseen network, frozen; None where the weights folder does not list one.

    Raises `WeightsError` when it is listed but missing or damaged.
    """
    if UNSEEN_WEIGHTS not in weights_hashes(directory):
        return None
    return load_network(UnseenEmbedder(), weights_file(UNSEEN_WEIGHTS, directory), device)
