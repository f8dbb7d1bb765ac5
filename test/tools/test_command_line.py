"""The command `latent-rag` as a user meets it: help, wrong usage, errors without tracebacks."""
from __future__ import annotations

import subprocess
import sys

import pytest

from latent_rag_ros import __version__
from latent_rag_ros.evaluation.results_file import write_results
from latent_rag_ros.tools.command_line import COMMANDS, main


@pytest.mark.parametrize('words', [['--help'], ['evaluate', '--help'],
                                   ['evaluate', 'latent-rag', '--help'],
                                   ['evaluate', 'coverage', '--help'],
                                   ['evaluate', 'tables', '--help'], ['demo', '--help']])
def test_help_exits_0(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 0
    assert 'latent-rag' in capsys.readouterr().out


def test_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit):
        main(['--version'])
    assert capsys.readouterr().out.strip() == f'latent-rag {__version__}'


@pytest.mark.parametrize('words', [[], ['unknown'], ['evaluate'],
                                   ['evaluate', 'latent-rag', '--preset', 'none'],
                                   ['evaluate', 'coverage', '--frames-max', '0']])
def test_wrong_usage_exits_2(words, capsys):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert 'usage: latent-rag' in capsys.readouterr().err


def test_help_loads_no_network_library():
    code = ('import sys; from latent_rag_ros.tools.command_line import main\n'
            'try: main(["--help"])\n'
            'except SystemExit: print(sorted({"torch", "faiss", "skimage"} & set(sys.modules)))')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True,
                          timeout=120, check=True)
    assert done.stdout.splitlines()[-1] == '[]'


def test_missing_weights_end_with_a_message_and_no_traceback(tmp_path, caplog):
    (tmp_path / 'manifest.json').write_text('{}')
    status = main(['evaluate', 'latent-rag', '--quick', '--weights', str(tmp_path)])
    assert status == 1
    assert 'embedder.safetensors' in caplog.text
    assert 'Traceback' not in caplog.text


def test_damaged_results_end_with_a_message(tmp_path, caplog):
    (tmp_path / 'latent_rag.json').write_text('{"about":')
    assert main(['evaluate', 'tables', '--results', str(tmp_path)]) == 1
    assert 'latent_rag.json' in caplog.text


def test_results_of_another_kind_end_with_a_message(tmp_path, caplog):
    write_results(tmp_path / 'latent_rag.json', {'about': {}, 'clip': {}})
    assert main(['evaluate', 'tables', '--results', str(tmp_path)]) == 1
    assert 'latent_rag.json' in caplog.text


def test_every_command_has_its_two_functions():
    for module, text in COMMANDS.values():
        loaded = __import__(module, fromlist=['run'])
        assert callable(loaded.add_arguments) and callable(loaded.run)
        assert text
