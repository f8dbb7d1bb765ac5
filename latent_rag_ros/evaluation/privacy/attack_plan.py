"""Which attackers take on which method, and how long each is trained."""
from __future__ import annotations

from collections.abc import Sequence

from latent_rag_ros.evaluation.attacks.interface import Budget
from latent_rag_ros.evaluation.attacks.registry import (
    FULL_ITERATIONS, QUICK_ITERATIONS, AttackContext, attribute_attackers, linkage_attackers,
    recovery_attackers, silhouette_attackers)
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.methods.registry import Entry
from latent_rag_ros.evaluation.privacy.options import PrivacyOptions

BASELINE_ATTACKERS = ('unet', 'clothing_colour_net')
"""What attacks a method that is no preset of Latent-RAG; ablations meet no trained attacker."""

UNTRAINED = 'looking'
"""The attacker that takes the protected picture itself for the recovered one."""


def attacker_names() -> list[str]:
    """Return the names of all trained attackers."""
    context = AttackContext()
    return [name for kind in (recovery_attackers, attribute_attackers, silhouette_attackers,
                              linkage_attackers) for name in kind(context)]


def attackers_of(entry: Entry, chosen: Sequence[str] | None) -> list[str]:
    """Return who attacks a method: everybody a preset of Latent-RAG, some a baseline.

    `chosen` narrows the choice. Raises `EvaluationError` when it names an unknown attacker.
    """
    known = attacker_names()
    unknown = sorted(set(chosen or ()) - set(known))
    if unknown:
        raise EvaluationError(f'attacker is {unknown[0]!r}; choose among {", ".join(known)}')
    if entry.group == 'ablation':
        return []
    able = known if entry.group == 'latent_rag' else BASELINE_ATTACKERS
    return [name for name in known if name in able and name in (chosen or known)]


def budget_of(attacker: str, options: PrivacyOptions) -> Budget:
    """Return the budget of an attacker: the one that was asked for, else its own."""
    known = QUICK_ITERATIONS if options.size.is_quick else FULL_ITERATIONS
    return Budget(options.size.iterations or known[attacker], options.seed)
