"""What a run consists of, and that measured parts are kept for exactly what they belong to."""
from __future__ import annotations

import json

import pytest

from latent_rag_ros.bench.measuring import KINDS
from latent_rag_ros.bench.part_files import PartFiles, fingerprint
from latent_rag_ros.bench.parts import Part, all_parts, quick_parts

FULL, QUICK = all_parts('cpu', 10), quick_parts('cpu')


@pytest.mark.parametrize('parts', [FULL, QUICK])
def test_parts_have_names_of_their_own_and_are_plain_values(parts):
    assert len({part.name for part in parts}) == len(parts)
    for part in parts:
        assert part.kind in {*KINDS, 'end_to_end'}
        assert json.loads(json.dumps(part.as_json())) == part.as_json()


def test_full_run_measures_every_size_with_every_number_of_people():
    names = {part.name for part in FULL}
    assert names >= {f'end_to_end.{preset}.{size}.{people}' for preset in ('fast', 'safe')
                     for size in ('640x480', '1280x720') for people in (0, 1, 3, 5, 10)}
    assert 'long_run' in names and 'long_run' not in {part.name for part in all_parts('cpu', 0)}


def test_quick_run_is_a_part_of_the_full_one():
    assert {part.name for part in QUICK} < {part.name for part in FULL}


def test_part_is_read_back_only_for_its_settings_and_fingerprint(tmp_path):
    part = Part('a.b', 'work', 1.0, {'people': [0, 1]})
    files = PartFiles(tmp_path, 'first')
    assert files.read(part) is None
    files.write(part, {'figures': {'x': 1}})
    assert files.read(part)['figures'] == {'x': 1}
    assert files.read(Part('a.b', 'work', 1.0, {'people': [0, 2]})) is None
    assert PartFiles(tmp_path, 'second').read(part) is None


def test_damaged_part_is_measured_again(tmp_path):
    part, files = Part('a', 'work', 1.0), PartFiles(tmp_path, 'first')
    files.write(part, {'figures': {}})
    next(files.folder.iterdir()).write_text('{"part": ')
    assert files.read(part) is None


def test_fingerprint_stays_while_nothing_changes():
    assert fingerprint() == fingerprint() and len(fingerprint()) == 12
