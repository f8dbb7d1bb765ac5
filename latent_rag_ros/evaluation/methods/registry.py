"""All methods of the comparison by name: how each is made, and the settings that decide it.

The ablations change one stage of the preset `robot` at a time, refined by gradient steps alone.
Early stop is off in them, so that the number of iterations is the one in the name; what a stage
contributes is compared at five iterations. Modes of attention and numbers of neighbours are
compared without refinement, which would hide them.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from latent_rag_ros.evaluation.methods.face_blur import FaceBlur
from latent_rag_ros.evaluation.methods.latent_rag import ClosedStore, IdentitySwap, LatentRag
from latent_rag_ros.evaluation.methods.method import Method
from latent_rag_ros.evaluation.methods.picture_filters import picture_filters
from latent_rag_ros.evaluation.methods.pixel_fade import PixelFade, PixelFadeSettings
from latent_rag_ros.identity.embedder import Embedder, load_embedder
from latent_rag_ros.latent_rag.encoder import load_encoder
from latent_rag_ros.latent_rag.presets import PRESETS, Preset
from latent_rag_ros.latent_rag.replacer import LatentRagReplacer
from latent_rag_ros.weights.registry import weights_file

NEVER_STOP = 2.0
"""A cosine that is never reached."""

SLOW = ('paper', 'pixelfade')
"""Methods that take about half a second of a core or more for a picture."""

SEED = 0
"""Of what a preset draws at random: the same pictures in every run."""


class SharedNetworks:
    """The networks of all methods, from one folder of weights (None: the shipped ones)."""

    def __init__(self, weights: Path | None = None, device: str = 'cpu') -> None:
        self.weights, self.device = weights, device

    @cached_property
    def embedder(self) -> Embedder:
        """The authorised network. Raises `WeightsError` when it is missing or damaged."""
        return load_embedder(weights_file('embedder.safetensors', self.weights), self.device)

    def replacer(self, preset: Preset) -> LatentRagReplacer:
        """Return Latent-RAG with a preset, seeded. Raises `WeightsError` like its loader."""
        return LatentRagReplacer.load(self.weights, preset, self.device, seed=SEED)


@dataclass(frozen=True)
class Entry:
    """One method of the comparison.

    Parameters
    ----------
    title : str
        What tables call it.
    group : str
        `latent_rag`, `baseline` or `ablation`.
    make : callable
        Makes the method; raises `MethodUnavailable` when something is not installed.
    settings : Mapping
        Everything that decides its pictures besides weights and crops; ready for JSON.
    preset : Preset or None
        Of Latent-RAG with the shipped store: an attacker can run it with a store of its own.
    uses_store : bool
        Whether generator and store of Latent-RAG decide its pictures.
    is_slow : bool
        Whether a picture costs so much that attackers get the pairs of a third of their people.
    """

    title: str
    group: str
    make: Callable[[SharedNetworks], Method]
    settings: Mapping[str, Any] = field(default_factory=dict)
    preset: Preset | None = None
    uses_store: bool = True
    is_slow: bool = False


PRESET_TITLES = {'paper': 'Latent-RAG, preset `paper`', 'robot': '**Latent-RAG, preset `robot`**',
                 'authorised_only': 'Latent-RAG, preset `authorised_only`'}


def methods() -> dict[str, Entry]:
    """Return every method by its name in the results: presets, baselines, ablations."""
    entries = {name: _latent_rag(name, PRESETS[name], title, 'latent_rag')
               for name, title in PRESET_TITLES.items() if name in PRESETS}
    return entries | _baselines() | _ablations(PRESETS['robot'])


def _latent_rag(name: str, preset: Preset, title: str, group: str = 'ablation') -> Entry:
    return Entry(title, group, lambda networks: LatentRag(name, networks.replacer(preset),
                                                          networks.embedder),
                 asdict(preset), preset, is_slow=name in SLOW)


def _baselines() -> dict[str, Entry]:
    titles = {'solid': 'solid black', 'blur': 'Gaussian blur, sigma 6 px',
              'mosaic': 'mosaic, 12 px blocks', 'pixelation_8': 'pixelation, 8 px blocks',
              'pixelation_16': 'pixelation, 16 px blocks', 'noise': 'Gaussian noise, sigma 0.5'}
    entries = {'identity_swap': Entry(
        'nearest identity of the store, no fusion', 'baseline',
        lambda networks: IdentitySwap(networks.replacer(PRESETS['robot']), networks.embedder))}
    for method in picture_filters():
        entries[method.name] = Entry(titles[method.name], 'baseline',
                                     lambda networks, method=method: method,
                                     uses_store=False)
    entries['face_blur'] = Entry('faces blurred by `deface`', 'baseline',
                                 lambda networks: FaceBlur(), uses_store=False)
    entries['pixelfade'] = Entry(
        'PixelFade, our re-implementation', 'baseline',
        lambda networks: PixelFade(networks.embedder, device=networks.device),
        asdict(PixelFadeSettings()), uses_store=False, is_slow='pixelfade' in SLOW)
    return entries


def _ablations(robot: Preset) -> dict[str, Entry]:
    whole = replace(_by_gradient_steps(robot), stop_cosine=NEVER_STOP)
    fused = replace(whole, iterations=0)
    five, ten = (replace(whole, iterations=count) for count in (5, 10))
    presets = {
        'retrieve_only': (replace(fused, neighbours=1), 'retrieve only: the nearest code'),
        'fuse_only': (fused, 'retrieve and fuse only: 0 iterations'),
        'iterations_5': (five, '5 iterations'),
        'iterations_10': (ten, '10 iterations'),
        'iterations_20': (replace(whole, iterations=20), '20 iterations'),
        'coarse_only': (replace(five, fine_step=0.0), '5 iterations, coarse layers only'),
        'fine_only': (replace(five, coarse_step=0.0), '5 iterations, fine layers only'),
        'attention_negative': (replace(fused, attention='negative'),
                               '0 iterations, attention `negative`'),
        'attention_mean': (replace(fused, attention='mean'), '0 iterations, attention `mean`'),
        'neighbours_5': (replace(fused, neighbours=5), '0 iterations, 5 neighbours'),
        'neighbours_50': (replace(fused, neighbours=50), '0 iterations, 50 neighbours')}
    entries = {name: _latent_rag(name, preset, title) for name, (preset, title) in presets.items()}
    return entries | {
        'closed_store_fuse_only': _closed('closed_store_fuse_only', fused,
                                          'closed store, 0 iterations'),
        'closed_store': _closed('closed_store', five, 'closed store, 5 iterations')}


def _by_gradient_steps(preset: Preset) -> Preset:
    """Return a preset without what came after the paper: those fields get their defaults."""
    return Preset(**{part.name: getattr(preset, part.name) for part in fields(Preset)
                     if part.default is MISSING})


def _closed(name: str, preset: Preset, title: str) -> Entry:
    return Entry(f'{title}: their other pictures are in it', 'ablation',
                 lambda networks: ClosedStore(
                     name, networks.replacer(preset), networks.embedder,
                     load_encoder(weights_file('encoder.safetensors', networks.weights),
                                  networks.device)), asdict(preset))
