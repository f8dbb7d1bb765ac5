"""What other colours cost: identity for the authorised network and for others, colours that stay.

Two levers of the preset `authorised_only` are turned, one at a time: how much of a random person
is in the looks, and how strong the perturbation is that carries the identity. The preset `robot`
stands beside them. Run on the validation split, because settings are chosen by it.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from latent_rag_ros.evaluation.clothing_colour import Clothing, Palette, chance, clothing_lab
from latent_rag_ros.evaluation.codecs import jpeg_decoded
from latent_rag_ros.evaluation.figures import AUTHORISED, Figures, Measure, with_interval
from latent_rag_ros.evaluation.held_out import HeldOutPeople, load_held_out_people
from latent_rag_ros.evaluation.methods.registry import SharedNetworks
from latent_rag_ros.evaluation.protect import protect
from latent_rag_ros.evaluation.results_file import versions, weights_hashes
from latent_rag_ros.evaluation.silhouettes import Silhouettes
from latent_rag_ros.evaluation.unseen import load_unseen_embedder
from latent_rag_ros.latent_rag.presets import PRESETS, Preset

STRANGERS = (0.0, 0.25, 0.5, 0.75)
"""Shares of a random person in the looks, besides the preset's own."""

EPSILONS = (0, 8, 16, 24)
"""Strengths of the perturbation in 8-bit levels, besides the preset's own."""

JPEG_QUALITY = 80
NOT_MEASURED = ('Not measured for this release yet: `latent-rag evaluate colours --document '
                'docs/linkability.md` makes `results/colours.json`, and this table from it.')
HEAD = ('looks', 'perturbation [of 255]', 'PSNR [dB]', 'SSIM', 'authorised prot→raw',
        'authorised, after JPEG', 'unseen prot→raw', 'unseen prot→prot', 'clothing colour told')


def settings() -> dict[str, Preset]:
    """Return every setting of the curve by name, from open to authorised-only linkability."""
    own = PRESETS['authorised_only']
    curve = {'robot': PRESETS['robot']}
    curve |= {f'stranger_{share:g}': replace(own, stranger=share) for share in STRANGERS}
    curve['authorised_only'] = own
    return curve | {f'epsilon_{levels}': replace(
        own, perturbation=levels / 255, iterations=own.iterations if levels else 0)
        for levels in EPSILONS}


def colour_tradeoff(people_max: int | None = None, weights: Path | None = None,
                    device: str = 'cpu') -> Figures:
    """Measure the curve.

    Parameters
    ----------
    people_max : int, optional
        Measure only the first so many people of the validation split.
    weights : Path, optional
        Folder with the weights; None takes the shipped ones.
    device : str
        `cpu` or `cuda:N`.

    Returns
    -------
    dict
        `about`; `raw`, as `Measure.raw`; `colour_chance`; `settings.<name>` with `stranger`,
        `epsilon`, `colour_accuracy`, `jpeg` and what `Measure.protected` gives.

    Raises
    ------
    WeightsError, EvaluationError
        Weights or people are missing or damaged.
    """
    people = load_held_out_people('validation')
    if people_max is not None:
        people = people.first_identities(people_max)
    shared = SharedNetworks(weights, device)
    networks = {AUTHORISED: shared.embedder, 'unseen': load_unseen_embedder(weights, device)}
    measure = Measure.of(people, {name: network for name, network in networks.items()
                                  if network is not None}, device)
    colours = _Colours(people)
    figures: Figures = {'about': _about(people, people_max, weights), 'raw': measure.raw(),
                        'colour_chance': colours.chance, 'settings': {}}
    for name, preset in tqdm(settings().items(), desc='settings'):
        images = protect(people.images, shared.replacer(preset), shared.embedder, device).images
        after_jpeg = measure.protected(jpeg_decoded(images, JPEG_QUALITY))
        figures['settings'][name] = {
            'stranger': preset.stranger, 'epsilon': round(255 * preset.perturbation),
            **colours.told(images), 'jpeg': {'prot_raw': after_jpeg['prot_raw']},
            **measure.protected(images)}
    return figures


class _Colours:
    """How often the colours of torso and legs are those of the raw crops."""

    def __init__(self, people: HeldOutPeople) -> None:
        self._silhouettes, self._identities = Silhouettes(), people.labels.identities
        raw = self._lab(people.images)
        self._palette = Palette.of(raw)
        self._truth = self._palette.numbers(raw)
        self.chance = round(float(np.mean([chance(part, part) for part in self._truth])), 4)

    def told(self, images: NDArray[np.uint8]) -> Figures:
        """Return `colour_accuracy` of protected pictures, with its interval."""
        said = self._palette.numbers(self._lab(images))
        right = np.mean([guess == true for guess, true in zip(said, self._truth)], axis=0)
        return with_interval('colour_accuracy', right, self._identities)

    def _lab(self, images: NDArray[np.uint8]) -> Clothing:
        return clothing_lab(images, self._silhouettes.of(images))


def _about(people: HeldOutPeople, people_max: int | None, weights: Path | None) -> Figures:
    words = ['latent-rag evaluate colours']
    words += [f'--people {people_max}'] * (people_max is not None)
    words += ['--weights DIR'] * (weights is not None)
    return {'command': ' '.join(words), 'split': 'validation', 'crops': len(people),
            'identities': people.identity_count, 'jpeg_quality': JPEG_QUALITY,
            'versions': versions(), 'weights_sha256': weights_hashes(weights)}


def tradeoff_table(results: Mapping[str, Any]) -> str:
    """Return the Markdown table of one results file, with the line that says what it is."""
    raw = results['raw']
    rows = [HEAD, ('---', *['---:'] * (len(HEAD) - 1)),
            ('raw crops, no protection', '–', '–', '–', _pair(raw['raw_raw']), '–',
             _pair(raw.get('unseen', {}).get('raw_raw')), '–', '–')]
    rows += [_row(name, figures) for name, figures in results['settings'].items()]
    about = results['about']
    caption = (f'Rank-1 / mAP in per cent, same identity and camera removed; {about["split"]} '
               f'split, {about["crops"]} crops of {about["identities"]} people. Colours of torso '
               f'and legs are told on the protected picture as it is, by a palette of eight; '
               f'chance is {100 * results["colour_chance"]:.1f} %. JPEG of quality '
               f'{about["jpeg_quality"]}. Made by `{about["command"]}`.')
    return '\n'.join(['| ' + ' | '.join(row) + ' |' for row in rows] + ['', caption])


def _row(name: str, figures: Mapping[str, Any]) -> tuple[str, ...]:
    epsilon, unseen = figures['epsilon'], figures.get('unseen', {})
    looks = (f'{100 * figures["stranger"]:.0f} % a stranger' if name not in PRESETS
             else f'preset `{name}`')
    return (looks, str(epsilon) if name != 'robot' else '–', f'{figures["psnr_db"]:.2f}',
            f'{figures["ssim"]:.3f}', _pair(figures['prot_raw']),
            _pair(figures['jpeg']['prot_raw']), _pair(unseen.get('prot_raw')),
            _pair(unseen.get('prot_prot')), f'{100 * figures["colour_accuracy"]:.1f} %')


def _pair(scores: Mapping[str, float] | None) -> str:
    return '–' if scores is None else f'{100 * scores["rank1"]:.1f} / {100 * scores["map"]:.1f}'
