"""The tables of README and cards: rendered from the results, so text and figures cannot part."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from latent_rag_ros.evaluation import feature_claim
from latent_rag_ros.evaluation.errors import EvaluationError
from latent_rag_ros.evaluation.feature_table import features_table
from latent_rag_ros.evaluation.model_tables import (
    fidelity_table, models_table, recognition_table, speed_table)
from latent_rag_ros.evaluation.model_targets import (
    embedder_targets_table, generator_targets_table)
from latent_rag_ros.evaluation.privacy.claim import (
    NOT_ATTACKED, NOT_RUN, attack_claim, targets_table)
from latent_rag_ros.evaluation.privacy.tables import evaluation_table
from latent_rag_ros.evaluation.results_file import read_results
from latent_rag_ros.evaluation.tables import coverage_table, results_table
from latent_rag_ros.weights.registry import write_atomically


def _evaluation(results: Mapping[str, Any]) -> str:
    return f'{evaluation_table(results)}\n\n{targets_table(results)}'


def _features(results: Mapping[str, Any]) -> str:
    return f'{features_table(results)}\n\n{feature_claim.targets_table(results)}'


TABLES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    'evaluation': _evaluation, 'attack_claim': attack_claim, 'latent_rag': results_table,
    'coverage': coverage_table, 'models': models_table, 'features': _features,
    'features_claim': feature_claim.leak_claim}
"""Tables by name, each between its own markers, also on one line with other text."""

SOURCES: Mapping[str, str] = {'attack_claim': 'evaluation', 'features_claim': 'features'}
"""`NAME.json` in the results folder makes the table NAME, but for these."""

ABSENT: Mapping[str, str] = {'evaluation': NOT_RUN, 'attack_claim': NOT_ATTACKED,
                             'features': feature_claim.NOT_RUN,
                             'features_claim': feature_claim.NOT_ATTACKED}
"""What stands in place of tables whose results are not there; others are left as they are."""

CARD_TABLES: Mapping[str, Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    'embedder.md': {'recognition': recognition_table, 'targets': embedder_targets_table,
                    'speed': speed_table},
    'unseen_embedder.md': {'recognition': recognition_table},
    'generator.md': {'fidelity': fidelity_table, 'targets': generator_targets_table,
                     'speed': speed_table},
    'protection_head.md': {'features': _features}}
"""Tables by the card of the weights and by the name of their markers."""

CARD_SOURCES: Mapping[str, str] = {'protection_head.md': 'features'}
"""`NAME.json` makes the tables of a card; `models.json` where it is not named."""


def rendered_tables(results: Path) -> dict[str, str]:
    """Return every table by name, rendered from the files in the folder `results`.

    A table whose file is not there is left out, so that what stands in the README stays; where
    that would be a claim, see `ABSENT`, it says that nothing was measured.

    Raises `EvaluationError` when there is no file at all, or one is damaged or holds other
    results.
    """
    tables = dict(ABSENT)
    files = {name: results_file(results, name) for name in TABLES}
    present = {name: path for name, path in files.items() if path.exists()}
    if not present:
        raise EvaluationError(f'{results} holds no results; make them with: latent-rag evaluate')
    for name, path in present.items():
        render = TABLES[name]
        try:
            tables[name] = render(read_results(path))
        except KeyError as error:
            raise EvaluationError(f'{path} has no figure {error}; make it again with: '
                                  'latent-rag evaluate') from error
    return tables


def results_file(results: Path, name: str) -> Path:
    """Return which file of the folder `results` makes the table `name`."""
    return results / f'{SOURCES.get(name, name)}.json'


def markers(name: str) -> tuple[str, str]:
    """Return the lines before and after the table `name`."""
    return f'<!-- {name} results begin -->', f'<!-- {name} results end -->'


def table_in(readme: str, name: str) -> str:
    """Return what stands between the markers of the table `name`, without blank lines around.

    Raises `EvaluationError` when the markers are not there once each, in order.
    """
    return _split(readme, name)[1].strip()


def readme_with_table(readme: str, name: str, table: str) -> str:
    """Return the README with `table` between the markers of the table `name`.

    Raises `EvaluationError` when the markers are not there once each, in order.
    """
    before, between, after = _split(readme, name)
    begin, end = markers(name)
    # on one line with its markers stays there: a line feed would end a row of a table around it
    gap = '\n' if '\n' in between or '\n' in table or not between else ''
    return f'{before}{begin}{gap}{table}{gap}{end}{after}'


def write_readme_tables(path: Path, tables: Mapping[str, str]) -> None:
    """Put tables between their markers in the README at `path`, all of them or none.

    Raises `EvaluationError` when the file cannot be read or lacks markers.
    """
    try:
        readme = path.read_text(encoding='utf-8')
    except OSError as error:
        raise EvaluationError(f'{path} cannot be read ({error.strerror}); '
                              'name the README that holds the markers') from error
    for name, table in tables.items():
        readme = readme_with_table(readme, name, table)
    write_atomically(path, readme.encode())


def card_source(card: str) -> str:
    """Return the name of the results that the tables of a card are made from."""
    return CARD_SOURCES.get(card, 'models')


def write_card_tables(folder: Path, results: Path) -> None:
    """Put the tables of the results into the cards of the weights in `folder`.

    A card whose results are not there stays as it is. Raises `EvaluationError` when results are
    other ones, or a card lacks markers.
    """
    rendered = {}
    for card, tables in CARD_TABLES.items():
        source = card_source(card)
        path = results / f'{source}.json'
        if not path.exists():
            continue
        try:
            figures = read_results(path)
            rendered[card] = {name: render(figures) for name, render in tables.items()}
        except KeyError as error:
            raise EvaluationError(f'{path} has no figure {error}; make it again with: '
                                  f'latent-rag evaluate {source}') from error
    for card, tables in rendered.items():
        write_readme_tables(folder / card, tables)


def _split(readme: str, name: str) -> tuple[str, str, str]:
    begin, end = markers(name)
    if readme.count(begin) != 1 or readme.count(end) != 1:
        raise EvaluationError(f'README or card needs the lines {begin} and {end} once each; '
                              'add them where the table belongs')
    before, rest = readme.split(begin)
    if end not in rest:
        raise EvaluationError(f'README or card has {end} before {begin}; put them in order')
    between, after = rest.split(end)
    return before, between, after
