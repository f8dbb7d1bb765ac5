"""What one run of the privacy evaluation measures, and how much it may cost."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from latent_rag_ros.evaluation.errors import EvaluationError

VTEST = 'vtest'
"""Name of the real pedestrians of `vtest.avi` among the data sets."""


@dataclass(frozen=True)
class Size:
    """How many people are measured and attacked, and how long attackers are trained.

    Parameters
    ----------
    identities : int or None
        People who are measured, the first ones of their split; None takes all.
    attack_people : int
        People whose pictures the attackers have, eight of each. A tenth of the people, but at
        least one, is kept for choosing the attackers' weights.
    iterations : int or None
        Budget of every attacker, optimiser steps; None takes the ones of `attacks.registry`.
    methods, attackers : tuple of str or None
        Names that are measured; None takes all.
    attacked : tuple of str or None
        Methods that trained attackers take on; None takes all that they are meant for.
    is_quick : bool
        Whether attackers are trained for seconds only.
    """

    identities: int | None
    attack_people: int
    iterations: int | None = None
    methods: tuple[str, ...] | None = None
    attackers: tuple[str, ...] | None = None
    attacked: tuple[str, ...] | None = None
    is_quick: bool = False

    def __post_init__(self) -> None:
        """Raise `EvaluationError` for numbers that leave nothing to train or to measure."""
        for name, least in (('identities', 2), ('attack_people', 2), ('iterations', 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise EvaluationError(f'{name} is {value}; give {least} or more')


QUICK = Size(
    identities=6, attack_people=12,
    methods=('paper', 'robot', 'authorised_only', 'identity_swap', 'solid', 'blur', 'mosaic',
             'pixelation_16', 'noise', 'face_blur', 'pixelfade', 'fuse_only'),
    attackers=('unet', 'clothing_colour_net', 'silhouette_net', 'linkage'),
    attacked=('robot', 'authorised_only', 'blur'), is_quick=True)
"""At most five minutes on two cores: it shows that everything runs, its figures are noise."""

FULL = Size(identities=None, attack_people=120)


@dataclass(frozen=True)
class PrivacyOptions:
    """What to evaluate.

    Parameters
    ----------
    size : Size
        `QUICK`, `FULL`, or something between.
    split : str
        `test` for figures, `validation` for choosing settings.
    dataset : str or None
        `vtest` or a public data set in place of rendered people, see `datasets.people.READERS`.
    root : Path or None
        Folder of the public data set, or the file `vtest.avi`.
    weights : Path or None
        Folder with the weights; None takes the shipped ones.
    device : str
        `cpu` or `cuda:N`.
    cache : Path or None
        Folder that keeps finished stages; None keeps nothing. People of a data set are real:
        their pictures are never written there.
    seed : int
        Of attackers, noise and random choices.
    """

    size: Size = FULL
    split: str = 'test'
    dataset: str | None = None
    root: Path | None = None
    weights: Path | None = None
    device: str = 'cpu'
    cache: Path | None = None
    seed: int = 0

    @property
    def shows_real_people(self) -> bool:
        """Whether the measured people are real; their pictures then stay in memory."""
        return self.dataset is not None

    @property
    def is_complete(self) -> bool:
        """Whether these are the options of the published figures."""
        return (self.size == FULL and self.split == 'test' and self.dataset is None
                and self.weights is None)

    @property
    def command(self) -> str:
        """The command line that repeats this evaluation, without folders of this machine."""
        words = ['latent-rag evaluate privacy']
        if self.dataset:
            words.append(f'--dataset {self.dataset}')
            words += ['--root DIR'] * (self.dataset != VTEST)
        elif self.split != 'test':
            words.append(f'--split {self.split}')
        return ' '.join(words + self._size_words() + ['--weights DIR'] * (
            self.weights is not None))

    def _size_words(self) -> list[str]:
        usual = QUICK if self.size.is_quick else FULL
        words = ['--quick'] * self.size.is_quick
        for option, name in (('--people', 'identities'), ('--attack-people', 'attack_people'),
                             ('--budget', 'iterations')):
            value = getattr(self.size, name)
            if value != getattr(usual, name):
                words.append(f'{option} {value}')
        for option, name in (('--method', 'methods'), ('--attacker', 'attackers')):
            values = getattr(self.size, name)
            if values != getattr(usual, name):
                words += [f'{option} {value}' for value in values or ()]
        return words
