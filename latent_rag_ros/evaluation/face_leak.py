"""What the replaced face tells of the original by design, in bits, with confidence."""
from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latent_rag_ros.evaluation.face_sets import FaceSet
from latent_rag_ros.identity_decoupling.face_generator import FaceGenerator
from latent_rag_ros.identity_decoupling.face_replacer import FaceReplacer
from latent_rag_ros.identity_decoupling.face_size import SIDE_PX
from latent_rag_ros.identity_decoupling.face_square import cut, face_square, scaled
from latent_rag_ros.identity_decoupling.identity_probe import identity_probe
from latent_rag_ros.identity_decoupling.information_bracket import (
    InformationSettings, information_bracket)

RESAMPLES, TAIL = 200, 2.5


def leak_figures(faces: FaceSet, replacer: FaceReplacer, settings: InformationSettings,
                 ) -> dict[str, Any]:
    """Return sampler, MINE and CLUB bits and the identity probe, on faces nobody has trained on.

    The sampler's bound is exact for the people of the set; its interval draws other people. MINE
    and CLUB look at identity code and pooled attributes, structure among them, of every face.
    """
    identity, attributes = face_codes(faces, replacer.generator)
    people, rows = np.unique(faces.identities, return_inverse=True)
    originals = np.stack([identity[rows == row].mean(0) for row in range(len(people))])
    leak = replacer.sampler.leak(originals)
    random = np.random.default_rng(0)
    drawn = [replacer.sampler.leak(originals[random.integers(0, len(people), len(people))])
             for _ in range(RESAMPLES)]
    low, high = np.percentile([one.bound_bits for one in drawn], [TAIL, 100 - TAIL])
    bracket = information_bracket(torch.from_numpy(identity), torch.from_numpy(attributes),
                                  settings)
    probe = identity_probe(attributes, faces.identities)
    return {'sampler': leak.bound_bits, 'sampler_ci95': [float(low), float(high)],
            'sampler_exact': leak.exact_bits, 'sampler_worst': min(leak.worst_bits, 1e9),
            'sampler_solid_share': leak.solid_share,
            'gallery_people': len(replacer.sampler.gallery),
            'mine': bracket.mine.bits, 'mine_ci95': [bracket.mine.low_bits,
                                                     bracket.mine.high_bits],
            'club': bracket.club.bits, 'club_ci95': [bracket.club.low_bits,
                                                     bracket.club.high_bits],
            'pairs': len(identity), 'identity_probe': asdict(probe)}


@torch.no_grad()
def face_codes(faces: FaceSet, generator: FaceGenerator,
               ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return identity directions (n, 256) and all attributes (n, 88), pooled, of cut out faces.

    The attributes are those of the map, without the noise of the filter, and the structure.
    """
    device = next(generator.encoder.parameters()).device
    found = []
    for look in faces.looks:
        pixels = scaled(cut(look.image, face_square(look.found.landmarks)), SIDE_PX)
        face = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].to(device)
        found.append(generator.codes(face.float() / 255))
    return tuple(torch.cat(part).cpu().numpy() for part in zip(*found))
