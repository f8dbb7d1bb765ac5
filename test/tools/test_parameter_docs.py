"""The config files and the README say what the parameter table says."""
from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from latent_rag_ros.parameters import TABLES, checked_values
from latent_rag_ros.tools import parameter_docs

ROOT = Path(__file__).resolve().parents[2]


def flattened(tree: dict, prefix: str = '') -> dict:
    """Return nested groups as one level of dotted names, as ROS reads a parameter file."""
    flat = {}
    for key, value in tree.items():
        flat |= flattened(value, f'{prefix}{key}.') if isinstance(value, dict) else {
            f'{prefix}{key}': value}
    return flat


@pytest.mark.parametrize('node', TABLES)
def test_config_file_has_every_parameter_with_its_default(node: str) -> None:
    text = (ROOT / 'config' / f'{node}.yaml').read_text(encoding='utf-8')
    values = flattened(yaml.safe_load(text)['/**']['ros__parameters'])
    assert values == {row.name: row.default for row in TABLES[node]}
    assert checked_values(TABLES[node], values) == checked_values(TABLES[node], {})
    for row in TABLES[node]:
        assert type(values[row.name]) is type(row.default), row.name


@pytest.mark.parametrize('node', TABLES)
def test_config_file_equals_the_table_word_for_word(node: str) -> None:
    text = (ROOT / 'config' / f'{node}.yaml').read_text(encoding='utf-8')
    assert text == parameter_docs.config_text(node), 'run tools.parameter_docs'


@pytest.mark.parametrize('node', TABLES)
def test_config_file_explains_every_parameter(node: str) -> None:
    text = ' '.join((ROOT / 'config' / f'{node}.yaml').read_text(encoding='utf-8').split())
    for row in TABLES[node]:
        assert row.description in text.replace(' # ', ' '), row.name
        assert f'[{row.range_text}]' in text or not row.range_text, row.name


def test_readme_tables_equal_the_table() -> None:
    text = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert text == parameter_docs.readme_with_tables(text), 'run tools.parameter_docs'


def test_readme_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match='<!-- parameters: protector -->'):
        parameter_docs.readme_with_tables('# No tables here\n')


def test_main_rewrites_stale_files(tmp_path: Path) -> None:
    (tmp_path / 'config').mkdir()
    (tmp_path / 'README.md').write_text(''.join(
        f'<!-- parameters: {node} -->\nold rows\n<!-- end of parameters -->\n' for node in TABLES))
    assert parameter_docs.main([str(tmp_path)]) == 0
    readme = (tmp_path / 'README.md').read_text()
    assert 'old rows' not in readme
    for node in TABLES:
        assert parameter_docs.markdown_table(node) in readme
        config = (tmp_path / 'config' / f'{node}.yaml').read_text()
        assert config == parameter_docs.config_text(node)
    assert not list(tmp_path.rglob('*.part'))
