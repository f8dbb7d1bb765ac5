"""Everything that `latent-rag evaluate faces` measures, each stage kept on disk when finished."""
from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from latent_rag_ros.evaluation.face_leak import leak_figures
from latent_rag_ros.evaluation.face_meter import FaceMeter, Measured, unmeasured
from latent_rag_ros.evaluation.face_methods import (
    BASELINES, COUNTERPARTS, FLOORS, HEADLINE, METHODS, TEACHER, Shown, changed_region, method_of,
    replacer_of)
from latent_rag_ros.evaluation.face_scores import Stacked, face_figures
from latent_rag_ros.evaluation.face_sets import FaceSet
from latent_rag_ros.evaluation.face_speed import speed_figures
from latent_rag_ros.evaluation.face_targets import targets
from latent_rag_ros.evaluation.privacy.stage_cache import (
    StageCache, digest_of, pictures_digest, source_digest)
from latent_rag_ros.evaluation.results_file import versions, weights_hashes
from latent_rag_ros.identity_decoupling.face_folders import THRESHOLDS
from latent_rag_ros.identity_decoupling.face_replacer import FaceReplacer
from latent_rag_ros.identity_decoupling.face_square import face_square
from latent_rag_ros.identity_decoupling.information_bracket import InformationSettings
from latent_rag_ros.protection.types import ImageArray
from latent_rag_ros.weights.registry import sha256_of

SHOWN_FACES = 10
SOURCES = ('identity_decoupling', 'evaluation/face_methods.py', 'evaluation/face_meter.py',
           'evaluation/face_sets.py', 'evaluation/face_attribute_networks.py',
           'evaluation/gaze_crop.py', 'evaluation/gaze_geometry.py', 'evaluation/gaze_reader.py')


@dataclass(frozen=True)
class FaceOptions:
    """What is measured with what.

    Parameters
    ----------
    weights, networks : Path
        Folders of `latent-rag train faces`, and of converted networks with their thresholds.
    methods : tuple of str
        Among `face_methods.METHODS` and `BASELINES`.
    teacher_faces : int
        The teacher is slow: it draws this many faces of each set, evenly spread.
    device : str
        `cpu` or `cuda:N`.
    cache : Path or None
        Where finished stages are kept.
    command : str
        For the results.
    information : InformationSettings
        Of the bracket.
    """

    weights: Path
    networks: Path
    methods: tuple[str, ...] = (*METHODS, *BASELINES)
    teacher_faces: int = 40
    device: str = 'cpu'
    cache: Path | None = None
    command: str = 'latent-rag evaluate faces'
    information: InformationSettings = field(default_factory=InformationSettings)


@dataclass
class FaceEvaluation:
    """One evaluation.

    Parameters
    ----------
    sets : tuple of FaceSet
        The first one gives the figures at the top.
    meter : FaceMeter
    options : FaceOptions
    leak_faces : FaceSet, optional
        Faces that the leak is estimated on; None takes the first set. Estimates need many.
    """

    sets: tuple[FaceSet, ...]
    meter: FaceMeter
    options: FaceOptions
    leak_faces: FaceSet | None = None
    pictures: dict[str, NDArray[np.uint8]] = field(default_factory=dict)
    """Rendered faces before and after every method, (n, h, w, 3), after `run`."""

    def run(self) -> dict[str, Any]:
        """Return the results, ready for JSON."""
        measured = {faces.name: self._set(faces) for faces in self.sets}
        first = measured[self.sets[0].name]['methods']
        setting = HEADLINE if HEADLINE in first else self.options.methods[0]
        top = first[setting]
        replacer = self._replacer(HEADLINE)
        results = {
            'about': self._about(), 'setting': setting, 'set': self.sets[0].name,
            **{name: top.get(name) for name in ('oracles', 'held_out', 'attributes')},
            'leak_bits': leak_figures(self.leak_faces or self.sets[0], replacer,
                                      self.options.information),
            'ms': self._speed(),
            'outside_identical': all(row['outside_identical'] for one in measured.values()
                                     for row in one['methods'].values()),
            'sets': measured}
        return results | {'targets': targets(results)}

    def _set(self, faces: FaceSet) -> dict[str, Any]:
        original = self._stage(faces, 'original', lambda row: Shown(faces.looks[row].image),
                               np.arange(len(faces.looks))) | _labels(faces)
        rows = {}
        floors = (*FLOORS, *(COUNTERPARTS if faces.has_counterparts else ()))
        for name in (*floors, *self.options.methods):
            rows[name] = self._method(faces, name, original)
        if TEACHER in rows and HEADLINE in rows:
            chosen = self._rows(faces, TEACHER)
            shown = self._measured(faces, HEADLINE, np.arange(len(faces.looks)))
            rows[TEACHER]['lcm_on_the_same_faces'] = self._figures(faces, original, {
                name: values[chosen] for name, values in shown.items()}, chosen)
        return {'people': len(np.unique(faces.identities)), 'faces': len(faces.looks),
                'pictures': faces.pictures, 'methods': rows}

    def _method(self, faces: FaceSet, name: str, original: Stacked) -> dict[str, Any]:
        rows = self._rows(faces, name)
        shown = self._measured(faces, name, rows)
        return self._figures(faces, original, shown, rows) | {
            'outside_identical': bool((shown['changed_outside'] == 0).all()),
            'enforced_share': float((shown['steps'] > 0).mean()),
            'enforcement_steps_mean': float(shown['steps'].mean())}

    def _figures(self, faces: FaceSet, original: Stacked, shown: Stacked,
                 rows: NDArray[np.int64]) -> dict[str, Any]:
        return face_figures({name: values[rows] for name, values in original.items()}, shown,
                            faces.identities[rows], self.meter.thresholds)

    def _rows(self, faces: FaceSet, name: str) -> NDArray[np.int64]:
        count = len(faces.looks)
        if name == TEACHER:
            count = min(count, self.options.teacher_faces)
        return np.linspace(0, len(faces.looks) - 1, count).round().astype(np.int64)

    def _measured(self, faces: FaceSet, name: str, rows: NDArray[np.int64]) -> Stacked:
        options = self.options
        method = functools.cache(lambda: method_of(
            name, faces, options.weights, options.networks, options.device))
        return self._stage(faces, name, lambda row: method()(row), rows)

    def _stage(self, faces: FaceSet, name: str, method: Callable[[int], Shown],
               rows: NDArray[np.int64]) -> dict[str, NDArray]:
        """Return what was measured of the faces of `rows` after a method, stacked."""
        def make() -> dict[str, NDArray]:
            """Measure one face after the other."""
            found = [self._one(faces, row, method) for row in tqdm(
                rows.tolist(), desc=f'{faces.name} {name}', mininterval=5)]
            return {key: np.stack([one[key] for one in found]) for key in found[0]}

        stacked = StageCache(self.options.cache).arrays(faces.name, name,
                                                        self._key(faces, name, rows), make)
        if faces.is_rendered and len(rows) == len(faces.looks):  # columns are the same people
            self.pictures[name] = stacked['pictures'][:SHOWN_FACES]
        stacked.pop('pictures')
        return stacked

    def _one(self, faces: FaceSet, row: int, method: Callable[[int], Shown]) -> Measured:
        look, shown = faces.looks[row], method(row)
        kept = look.image if shown.image is None else shown.image
        measured = self.meter.measured(kept, look)
        if shown.image is None:
            measured = unmeasured(measured)
        outside = ~changed_region(look.image, face_square(look.found.landmarks))
        changed = int((kept != look.image)[outside].any(-1).sum())
        # pictures of people who look real are never kept
        picture = _page_picture(shown.image, kept) if faces.is_rendered else np.zeros(0, np.uint8)
        return measured | {'changed_outside': np.int64(changed), 'steps': np.int64(shown.steps),
                           'pictures': picture}

    def _key(self, faces: FaceSet, name: str, rows: NDArray[np.int64]) -> Mapping[str, Any]:
        pictures = pictures_digest(*(look.image for look in faces.looks),
                                   *(look.found.landmarks for look in faces.looks))
        key = {'faces': pictures, 'rows': rows.tolist(), 'method': name,
               'source': source_digest(*SOURCES),
               'networks': weights_hashes(self.options.networks),
               'thresholds': sha256_of(self.options.networks / THRESHOLDS),
               'gaze': None if self.meter.gaze is None else self.meter.gaze.digest}
        return key | ({'weights': weights_hashes(self.options.weights)} if name in METHODS else {})

    def _replacer(self, name: str) -> FaceReplacer:
        return replacer_of(name, self.options.weights, self.options.networks, self.options.device)

    def _speed(self) -> dict[str, Any]:
        asked = {'lcm': HEADLINE} | ({TEACHER: TEACHER} if TEACHER in self.options.methods else {})
        return {TEACHER: None} | speed_figures({kind: self._replacer(name)
                                                for kind, name in asked.items()})

    def _about(self) -> dict[str, Any]:
        weights = weights_hashes(self.options.weights)
        return {'command': self.options.command, 'device': self.options.device,
                'weights': {name: digest for name, digest in weights.items()
                            if name.startswith('face_')},
                'networks': digest_of(weights_hashes(self.options.networks)),
                'gaze_reader': None if self.meter.gaze is None else self.meter.gaze.digest,
                'thresholds': dict(self.meter.thresholds), 'versions': versions()}


def _labels(faces: FaceSet) -> dict[str, NDArray]:
    """Return the truth about faces, see `gaze_scores.gaze_figures`."""
    unknown = (np.nan,) * 3
    return {'gaze_label': faces.gazes,
            'pose_label': np.array([look.pose_deg or unknown for look in faces.looks])}


def _page_picture(image: ImageArray | None, kept: ImageArray) -> ImageArray:
    """Return the picture for the page; a face that may not be shown leaves a grey one."""
    return np.full_like(kept, 128) if image is None else image
