"""Which attackers take on which method, and how long each is trained."""
from __future__ import annotations

from latent_rag_ros.evaluation.attacks.interface import Budget
from latent_rag_ros.evaluation.attacks.registry import (
    FULL_ITERATIONS, QUICK_ITERATIONS, AttackContext, attribute_attackers, linkage_attackers,
    recovery_attackers, silhouette_attackers)
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.methods.registry import Entry
from latent_rag_ros.evaluation.privacy.options import PrivacyOptions, Size

MEET_EVERYBODY = ('robot', 'authorised_only')
"""Methods that every attacker takes on: the ones that a deployment chooses between."""

COMMON = ('ridge', 'unet', 'clothing_colour_net')
"""Who attacks every other method but ablations, which meet no trained attacker."""

OF_METHOD = {'paper': (*COMMON, 'linkage'), 'solid': ('ridge', 'clothing_colour_net')}
"""Other choices: one colour has nothing for a network to learn."""

UNTRAINED = 'looking'
"""The attacker that takes the protected picture itself for the recovered one."""


def attacker_names() -> list[str]:
    """Return the names of all trained attackers."""
    context = AttackContext()
    return [name for kind in (recovery_attackers, attribute_attackers, silhouette_attackers,
                              linkage_attackers) for name in kind(context)]


def attackers_of(name: str, entry: Entry, size: Size) -> list[str]:
    """Return who attacks the method `name`.

    Raises `EvaluationError` when `size` names an unknown attacker.
    """
    known = attacker_names()
    unknown = sorted(set(size.attackers or ()) - set(known))
    if unknown:
        raise EvaluationError(f'attacker is {unknown[0]!r}; choose among {", ".join(known)}')
    if entry.group == 'ablation' or name not in (size.attacked or (name,)):
        return []
    able = known if name in MEET_EVERYBODY else OF_METHOD.get(name, COMMON)
    return [attacker for attacker in known
            if attacker in able and attacker in (size.attackers or known)]


def budget_of(attacker: str, options: PrivacyOptions) -> Budget:
    """Return the budget of an attacker: the one that was asked for, else its own."""
    known = QUICK_ITERATIONS if options.size.is_quick else FULL_ITERATIONS
    return Budget(options.size.iterations or known[attacker], options.seed)
