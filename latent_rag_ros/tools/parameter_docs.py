"""Writes the files in `config/` and the parameter tables in README.md from the one table.

`python -m latent_rag_ros.tools.parameter_docs FOLDER` rewrites them in the checkout FOLDER. Tests
compare the files with the table, so that neither can drift.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from latent_rag_ros.parameters import TABLES, Parameter, Value

CONFIG_WIDTH = 99
NO_BREAK_SPACE = '\u00a0'


def yaml_value(value: Value) -> str:
    """Return `value` as YAML reads it back with the same type."""
    return json.dumps(value) if isinstance(value, (bool, str)) else repr(value)


def comment_lines(row: Parameter, prefix: str) -> list[str]:
    """Return description and allowed values of one parameter as lines that start with `prefix`."""
    text = row.explanation
    if row.range_text:  # no-break spaces keep the allowed values on one line
        text += f' [{row.range_text}]'.replace(' ', NO_BREAK_SPACE).replace(NO_BREAK_SPACE, ' ', 1)
    lines = textwrap.wrap(text, CONFIG_WIDTH, initial_indent=prefix, subsequent_indent=prefix)
    return [line.replace(NO_BREAK_SPACE, ' ') for line in lines]


def config_text(node: str) -> str:
    """Return the content of `config/<node>.yaml`: every parameter, its default and its meaning.

    Parameters
    ----------
    node : str
        A key of `parameters.TABLES`. Raises `KeyError` for another name.
    """
    lines = [f'# Parameters of the node {node}: name, default, meaning and [allowed values].',
             '# Change a copy and start the node with --params-file COPY, or params_file:=COPY.',
             '/**:', '  ros__parameters:']
    open_groups: tuple[str, ...] = ()
    for row in TABLES[node]:
        *groups, name = row.name.split('.')
        for depth, group in enumerate(groups):
            if open_groups[:depth + 1] != tuple(groups[:depth + 1]):
                lines.append('  ' * (depth + 2) + f'{group}:')
        open_groups = tuple(groups)
        indent = '  ' * (len(groups) + 2)
        lines += comment_lines(row, f'{indent}# ')
        lines.append(f'{indent}{name}: {yaml_value(row.default)}')
    return '\n'.join(lines) + '\n'


def markdown_table(node: str) -> str:
    """Return the parameter table of `node` for README.md. Raises `KeyError` for another name."""
    rows = [f'| `{row.name}` | `{yaml_value(row.default)}` | {row.range_text} '
            f'| {row.explanation} |' for row in TABLES[node]]
    return '\n'.join(['| parameter | default | allowed | meaning |', '|---|---|---|---|', *rows])


def readme_with_tables(readme: str) -> str:
    """Return the text of README.md with the tables between its markers renewed.

    The markers are `<!-- parameters: NODE -->` and `<!-- end of parameters -->`, each on a line of
    its own. Raises `ValueError` when a node of `parameters.TABLES` has no markers.
    """
    for node in TABLES:
        marked = re.compile(rf'(<!-- parameters: {node} -->\n).*?(<!-- end of parameters -->)',
                            re.DOTALL)
        table = markdown_table(node)
        readme, found = marked.subn(lambda match: f'{match[1]}{table}\n{match[2]}', readme)
        if found != 1:
            raise ValueError(f'README.md has {found} places for the parameters of {node}; '
                             f'mark one with <!-- parameters: {node} -->')
    return readme


def write_text(path: Path, text: str) -> None:
    """Replace the file at `path` by `text`, whole or not at all."""
    temporary = path.with_name(f'.{path.name}.part')
    temporary.write_text(text, encoding='utf-8')
    os.replace(temporary, path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite the files of a checkout; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('checkout', type=Path, help='folder with README.md and config/')
    checkout = parser.parse_args(arguments).checkout
    for node in TABLES:
        write_text(checkout / 'config' / f'{node}.yaml', config_text(node))
    readme = checkout / 'README.md'
    write_text(readme, readme_with_tables(readme.read_text(encoding='utf-8')))
    return 0


if __name__ == '__main__':
    sys.exit(main())
