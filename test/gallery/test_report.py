"""The gallery as table and page: what is kept is shown, features and pictures are not."""
from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from latent_rag_ros.gallery.backend import GalleryStorageError
from latent_rag_ros.gallery.faiss_backend import FaissBackend
from latent_rag_ros.gallery.folder import GalleryFolder
from latent_rag_ros.gallery.gallery import SECOND_NS, Gallery
from latent_rag_ros.gallery.report import gallery_page, nearest_others
from latent_rag_ros.tools.command_line import main

from .conftest import PeopleOf


@pytest.fixture
def directory(tmp_path: Path, people_of: PeopleOf) -> Iterator[Path]:
    """Return the folder of an open gallery of three people, two of them alike."""
    people, folder = people_of(3), GalleryFolder(tmp_path / 'gallery')
    gallery = Gallery(3, 10, FaissBackend(folder), folder.audit)
    for number, person in enumerate((0, 0, 1)):
        gallery.enrol(people.seen(person, person), number * SECOND_NS, 60 * SECOND_NS, '<front>')
    gallery.commit()
    yield tmp_path / 'gallery'
    gallery.close()


def test_table_lists_identities_while_the_node_writes(directory: Path,
                                                      capsys: pytest.CaptureFixture) -> None:
    """One line per identity, with times and camera."""
    assert main(['gallery', 'show', str(directory)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert '3 identities of 3 ever enrolled' in lines[0]
    assert lines[-1].split() == ['3', '2', '1970-01-01', '00:00:02', '1970-01-01', '00:01:00',
                                 '<front>']


def test_page_shows_times_and_limit_and_loads_nothing(directory: Path, tmp_path: Path) -> None:
    """Three bars over time, a histogram with the limit, text escaped, no address, no picture."""
    assert main(['gallery', 'report', str(directory), '--out', str(tmp_path / 'page.html')]) == 0
    page = (tmp_path / 'page.html').read_text()
    assert page.count('1970-01-01 00:01:00</title>') == 3 and '<line x1=' in page
    assert '&lt;front&gt;' in page and '<front>' not in page
    assert not re.search(r'<img|http|src=|url\(', page)
    assert '<line x1="540.0"' in gallery_page(directory, 0.5)


def test_similar_identities_are_found(people_of: PeopleOf) -> None:
    """The same person enrolled twice is nearer to the other than a stranger is."""
    people = people_of(2)
    cosines = nearest_others(np.array([1, 2, 5]), people.seen(0, 0, 1).vectors)
    assert cosines[0] == cosines[1] > 0.8 > 0.5 > cosines[2]
    assert nearest_others(np.array([4, 4]), people.seen(0, 1).vectors).size == 0


def test_missing_gallery_is_an_error_that_names_the_file(tmp_path: Path,
                                                         caplog: pytest.LogCaptureFixture) -> None:
    """No file is made by looking."""
    assert main(['gallery', 'show', str(tmp_path)]) == 1
    assert 'gallery.sqlite' in caplog.text and not list(tmp_path.iterdir())
    with pytest.raises(GalleryStorageError):
        gallery_page(tmp_path, 0.5)
