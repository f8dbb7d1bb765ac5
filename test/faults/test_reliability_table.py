"""docs/reliability.md names every fault of the list, and only tests that are there."""
from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / 'docs' / 'reliability.md'
ITEMS = [f'E{number}' for number in range(1, 60)]
TEST = re.compile(r'`(test/[\w/]+\.py)::(test_\w+)`')
ROWS = {cells[0]: cells for cells in (
    [cell.strip() for cell in line.strip('| \n').split(' | ')]
    for line in PAGE.read_text(encoding='utf-8').splitlines() if re.match(r'\| E\d+ ', line))}


def test_every_item_has_one_row_of_four_cells() -> None:
    assert list(ROWS) == ITEMS
    assert {len(cells) for cells in ROWS.values()} == {4}
    assert all(cell for cells in ROWS.values() for cell in cells)


@pytest.mark.parametrize('item', ITEMS)
def test_item_is_held_by_tests_that_exist_or_says_why_not(item: str) -> None:
    held_by = ROWS[item][2]
    tests = TEST.findall(held_by)
    assert tests or re.match(r'not tested: \w.{20,}', held_by)
    for path, name in tests:
        tree = ast.parse((ROOT / path).read_text(encoding='utf-8'))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_test_of_the_fault_suite_is_in_the_table() -> None:
    named = {test for cells in ROWS.values() for test in TEST.findall(cells[2])}
    for path in sorted(Path(__file__).parent.glob('test_*.py')):
        if path.name == Path(__file__).name:
            continue
        place = path.relative_to(ROOT).as_posix()
        assert any(file == place for file, _ in named), f'{place} is in no row'
