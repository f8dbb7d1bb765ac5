"""The scores of one network on labelled crops: recognition of the embedders, fidelity of G."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.evaluation.embedding import (
    EmbeddingNetwork, embed_images, to_crops, to_images)
from latent_rag_ros.evaluation.figures import Figures, with_interval
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.metrics import psnr_db
from latent_rag_ros.evaluation.ranking import Labels, rank
from latent_rag_ros.evaluation.verification_rate import Pairs, true_accept_rate
from latent_rag_ros.latent_rag.encoder import Encoder
from latent_rag_ros.latent_rag.generator import Generator

Features = NDArray[np.float32]
BATCH = 32


def pooled_identities(sets: Sequence[HeldOutPeople]) -> NDArray[np.int64]:
    """Return the identities of all crops of several sets, whose people are all different."""
    starts = np.cumsum([0, *(people.labels.identities.max() + 1 for people in sets[:-1])])
    return np.concatenate([people.labels.identities + start
                           for people, start in zip(sets, starts)])


def recognition(features: Sequence[Features], sets: Sequence[HeldOutPeople]) -> Figures:
    """Return `rank1` and `map` over every crop of every set, with intervals over identities.

    Each crop is a query in the gallery of all other crops of its set, same person and camera
    removed. `by_set` gives the means per set where there are several.

    Parameters
    ----------
    features : sequence of NDArray
        Per set, shape (n, d), float32, rows of unit length.
    sets : sequence of HeldOutPeople
        Labels of the features; people of different sets are different people.
    """
    rankings = [rank(rows, people.labels, rows, people.labels)
                for rows, people in zip(features, sets)]
    hits = np.concatenate([ranking.first_is_match for ranking in rankings])
    precision = np.concatenate([ranking.average_precision for ranking in rankings])
    identities = pooled_identities(sets)
    figures = (with_interval('rank1', hits, identities)
               | with_interval('map', precision, identities)
               | {'queries': int((~np.isnan(hits)).sum())})
    if len(sets) > 1:
        figures['by_set'] = [{'rank1': round(ranking.rank1, 4),
                              'map': round(ranking.mean_average_precision, 4)}
                             for ranking in rankings]
    return figures


def verification(features: Features, labels: Labels) -> Figures:
    """Return the true accept rate at 1 % false accepts with threshold and numbers of pairs."""
    found = true_accept_rate(Pairs.of(features, labels))
    return {'tar_at_far_1pct': round(found.rate, 4),
            'tar_at_far_1pct_ci95': [round(end, 4) for end in found.interval],
            'threshold_at_far_1pct': round(found.threshold, 4),
            'genuine_pairs': found.genuine_pairs, 'impostor_pairs': found.impostor_pairs}


def track_level(features: Features, labels: Labels) -> Figures:
    """Return Rank-1 and mAP when every track is one mean feature; cameras are tracks."""
    tracks, first = np.unique(labels.cameras, return_index=True)
    means = np.stack([features[labels.cameras == track].mean(axis=0) for track in tracks])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    of_tracks = Labels(labels.identities[first], tracks)
    ranking = rank(means, of_tracks, means, of_tracks)
    return {'rank1': round(ranking.rank1, 4), 'map': round(ranking.mean_average_precision, 4),
            'queries': int((~np.isnan(ranking.first_is_match)).sum())}


@torch.no_grad()
def reconstructed(images: NDArray[np.uint8], encoder: Encoder,
                  generator: Generator) -> NDArray[np.uint8]:
    """Return G(E_w(x)) of every crop x, rounded to 8 bit: shape (n, 128, 64, 3), uint8, RGB."""
    parts = []
    for start in range(0, len(images), BATCH):
        pictures = generator(encoder(to_crops(images[start:start + BATCH])))
        parts.append((pictures * 255).round().clamp(0, 255).byte())
    return to_images(torch.cat(parts))


def embedded(images: NDArray[np.uint8],
             networks: Mapping[str, EmbeddingNetwork]) -> dict[str, Features]:
    """Return the features of images (n, 128, 64, 3), uint8, RGB, of every network by name."""
    return {name: embed_images(network, images) for name, network in networks.items()}


def fidelity(pictures: NDArray[np.uint8], people: HeldOutPeople,
             networks: Mapping[str, EmbeddingNetwork],
             raw_features: Mapping[str, Features]) -> Figures:
    """Return how near pictures are to the crops they stand for.

    Parameters
    ----------
    pictures : NDArray
        One per crop, shape (n, 128, 64, 3), uint8, RGB.
    people : HeldOutPeople
        The crops.
    networks : Mapping
        Re-ID networks by name.
    raw_features : Mapping
        Features of the crops by network, from `embedded`.

    Returns
    -------
    dict
        `psnr_db` and `cosine_<name>` of every network, means with intervals over identities.
    """
    identities = people.labels.identities
    figures = with_interval('psnr_db', psnr_db(pictures, people.images), identities)
    for name, features in embedded(pictures, networks).items():
        cosine = (features * raw_features[name]).sum(axis=1)
        figures |= with_interval(f'cosine_{name}', cosine.astype(np.float64), identities)
    return figures
