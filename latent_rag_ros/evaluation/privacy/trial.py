"""One attack on one method: collect pairs, train from scratch, take on people never met."""
from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.attacks.interface import (
    AttackPairs, AttributeAttacker, Budget, Images)
from latent_rag_ros.evaluation.attacks.registry import (
    AttackContext, attribute_attackers, linkage_attackers, recovery_attackers,
    silhouette_attackers)
from latent_rag_ros.evaluation.attacks.surrogate_store import surrogate_replacer
from latent_rag_ros.evaluation.clothing_colour import Clothing
from latent_rag_ros.evaluation.embedding import embed_images
from latent_rag_ros.evaluation.figures import Figures
from latent_rag_ros.evaluation.held_out import HeldOutPeople
from latent_rag_ros.evaluation.methods.latent_rag import LatentRag
from latent_rag_ros.evaluation.methods.registry import Entry
from latent_rag_ros.evaluation.privacy.attack_plan import budget_of
from latent_rag_ros.evaluation.privacy.bench import Bench
from latent_rag_ros.evaluation.privacy.protection_figures import Looks
from latent_rag_ros.evaluation.privacy.splits import pairs
from latent_rag_ros.evaluation.privacy.stage_cache import pictures_digest

Arrays = dict[str, NDArray]


@dataclass(frozen=True)
class Trial:
    """A method under attack.

    Parameters
    ----------
    bench : Bench
        The evaluation.
    method : str
        Name of the method.
    entry : Entry
        Its settings.
    protected : NDArray
        The measured people, protected, shape (n, 128, 64, 3), uint8, RGB.
    """

    bench: Bench
    method: str
    entry: Entry
    protected: Images

    def attack(self, attacker: str) -> tuple[Figures, Images | None]:
        """Train an attacker and return its figures, and what it recovered if it draws pictures.

        Raises `MethodUnavailable` when the method needs something that is not installed.
        """
        bench, budget = self.bench, budget_of(attacker, self.bench.options)
        key = {'training': pictures_digest(self._training.protected, self._training.originals),
               'validation': pictures_digest(self._validation.protected),
               'protected': pictures_digest(self.protected),
               'made_with': bench.made_with(self.entry), 'source': bench.sources['attacks'],
               'budget': [budget.iterations, budget.seed]}
        name = f'{self.method}-{attacker}'
        made = bench.cache.arrays('attacks', name, key, lambda: self._run(attacker))
        scored = {**key, 'raw': pictures_digest(bench.raw.images),
                  'scoring': bench.sources['scores'], 'probes': sorted(bench.probes)}
        figures = bench.cache.figures('attack_scores', name, scored, lambda: self._scored(made))
        losses = made['validation_losses']
        return (figures | {'iterations': budget.iterations, 'pairs': len(self._training)}
                | ({'validation_losses': losses.round(4).tolist()} if losses.size else {}),
                made.get('recovered'))

    @cached_property
    def _people(self) -> HeldOutPeople:
        """Whom the attackers photographed: a third where a picture is that expensive."""
        people = self.bench.splits.attack
        if not self.entry.is_slow:
            return people
        return people.first_identities(max(2, people.identity_count // 3))

    @cached_property
    def _known(self) -> NDArray[np.bool_]:
        """Which rows of the attackers' crops are pictures of those people."""
        return np.isin(self.bench.splits.attack.labels.identities,
                       self._people.labels.identities)

    @cached_property
    def _training(self) -> AttackPairs:
        return self._pairs(self._people)

    @cached_property
    def _validation(self) -> AttackPairs:
        return self._pairs(self.bench.splits.attack_validation)

    def _pairs(self, people: HeldOutPeople) -> AttackPairs:
        return pairs(people, self.bench.protected(self.method, self.entry, people)[0])

    def _run(self, attacker: str) -> Arrays:
        """Train the attacker and return what it draws or says about the measured people."""
        context = AttackContext(self.bench.options.weights, self.bench.options.device,
                                self._surrogate if self.entry.preset else None)
        identities = self.bench.splits.measured.labels.identities
        budget = budget_of(attacker, self.bench.options)
        with self._directory(attacker) as directory:
            if attacker in (makers := recovery_attackers(context)):
                recoverer = makers[attacker]()
                recoverer.fit(self._training, self._validation, budget, directory)
                recovered = (recoverer.recover_people(self.protected, identities)
                             if hasattr(recoverer, 'recover_people')
                             else recoverer.recover(self.protected))
                return {'recovered': recovered, **_curve(recoverer)}
            if attacker in (makers := attribute_attackers(context)):
                return self._colours(makers[attacker], budget, directory)
            if attacker in (makers := silhouette_attackers(context)):
                outliner = makers[attacker]()
                outliner.fit(self._training, self.bench.judge.attackers.masks[self._known],
                             budget, directory)
                return {'masks': outliner.predict(self.protected), **_curve(outliner)}
            linker = linkage_attackers(context)[attacker]()
            linker.fit(self._training, self._validation, budget, directory)
            device = self.bench.options.device
            return {'protected': embed_images(linker, self.protected, device),
                    'raw': embed_images(linker, self.bench.raw.images, device), **_curve(linker)}

    def _colours(self, make: Callable[[], AttributeAttacker], budget: Budget,
                 directory: Path) -> Arrays:
        """Train one attacker for the torso and one for the legs."""
        judge, said, curves = self.bench.judge, {}, []
        known = judge.palette.numbers(judge.attackers.clothing)
        for part, labels in known._asdict().items():
            reader = make()
            reader.fit(self._training, labels[self._known], budget, directory / part)
            said[part] = reader.predict(self.protected)
            curves.append(reader.validation_losses)
        return said | {'validation_losses': np.mean(curves, axis=0)}

    def _scored(self, made: Arrays) -> Figures:
        judge = self.bench.judge
        if 'recovered' in made:
            return judge.recovery(Looks.of(made['recovered'], self.bench.silhouettes))
        if 'torso' in made:
            return judge.colours(Clothing(made['torso'], made['legs']))
        if 'masks' in made:
            return judge.outlines(made['masks'])
        return judge.linkage(made['protected'], made['raw'])

    def _surrogate(self, people: HeldOutPeople) -> Images:
        """Protect pictures as the method would with a store of the attacker's own people."""
        options = self.bench.options
        replacer = surrogate_replacer(self.entry.preset, options.weights, options.device)
        return LatentRag('surrogate', replacer, self.bench.networks.embedder).protect(people)

    @contextmanager
    def _directory(self, attacker: str) -> Iterator[Path]:
        """Give a folder for an attacker's checkpoints, which goes when the attack is over.

        After an interruption the training goes on from them; not so for attacks on real people,
        whose folder never outlives the process.
        """
        cache = self.bench.cache.directory
        if cache is None:
            with TemporaryDirectory() as folder:
                yield Path(folder)
        else:
            code = self.bench.sources['attacks'][:12]
            folder = cache / 'attackers' / code / self.method / attacker
            folder.mkdir(parents=True, exist_ok=True)
            yield folder
            shutil.rmtree(folder)


def _curve(attacker: object) -> Arrays:
    """Return the learning curve of an attacker; empty where it is solved in one step."""
    return {'validation_losses': np.array(getattr(attacker, 'validation_losses', []), float)}
