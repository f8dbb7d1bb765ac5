"""`latent-rag synthesize` as a user meets it, with and without what it needs."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from latent_rag_ros.tools.command_line import main


def test_data_set_is_rendered_and_resumed(tmp_path: Path, caplog) -> None:
    words = ['synthesize', '--people', '1', '--crops', '2', '--seed', '9', '--cameras', '3',
             '--out', str(tmp_path), '--workers', '1']
    caplog.set_level('INFO')
    assert main(words) == 0
    assert (tmp_path / 'crops' / 'crops_000000.npz').is_file()
    assert '1 shards' in caplog.text and 'sha256' in caplog.text
    caplog.clear()
    assert main(words) == 0
    assert '0 shards' in caplog.text


def test_wrong_numbers_end_with_a_message_and_no_traceback(tmp_path: Path, caplog) -> None:
    assert main(['synthesize', '--people', '0', '--out', str(tmp_path)]) == 1
    assert 'people is 0' in caplog.text


def test_command_says_what_to_install_when_numba_is_missing(tmp_path: Path) -> None:
    script = ("import sys; sys.modules['numba'] = None\n"
              'from latent_rag_ros.tools.command_line import main\n'
              f"sys.exit(main(['synthesize', '--out', {str(tmp_path)!r}]))")
    result = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True,
                            check=False, timeout=300)
    assert result.returncode == 1
    assert 'latent-rag-ros[synthesis]' in result.stderr and 'Traceback' not in result.stderr


def test_filter_runs_without_what_rendering_needs() -> None:
    script = ("import sys; sys.modules['numba'] = None\n"
              'import latent_rag_ros.gallery.gallery, latent_rag_ros.identity.embedder\n'
              'import latent_rag_ros.latent_rag.replacer, latent_rag_ros.protection.assembly\n'
              'import latent_rag_ros.tools.command_line')
    result = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True,
                            check=False, timeout=300)
    assert result.returncode == 0, result.stderr
