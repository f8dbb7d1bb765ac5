"""The rules of CONTRIBUTING.md that a machine can check, for every source file of the package."""
from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'latent_rag_ros'
MODULES = sorted(PACKAGE.rglob('*.py'))
SOURCES = [*MODULES, ROOT / 'setup.py', *sorted(
    path for folder in ('launch', 'scripts', 'test') for path in (ROOT / folder).rglob('*.py'))]
ROS_ROOMS = ('nodes', 'ros')
ROS_PACKAGE = re.compile(r'(rclpy|rcl_interfaces|launch\w*|ament_index_python|builtin_interfaces|'
                         r'\w+_msgs|std_srvs|cv_bridge|latent_rag_ros\.(msg|srv|ros|nodes))(\.|$)')
# load what needs ROS while they run, not before
STARTS_ROS = tuple(PACKAGE / 'tools' / name for name in (
    'demo.py', 'audit.py', 'bench_end_to_end.py'))
ROS_FREE_ROOMS = sorted(path.name for path in PACKAGE.iterdir() if (path / '__init__.py').is_file()
                        and path.name not in ROS_ROOMS)
LINES_MAX, COLUMNS_MAX, FUNCTION_LINES_MAX = 400, 99, 60
PERSONAL_PATH = re.compile(r'/(home|root|work|Users|tmp)/\w')



def parsed(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding='utf-8'))


def place(path: Path, node: ast.AST | None = None) -> str:
    """Return where something is, as an editor opens it."""
    return f'{path.relative_to(ROOT)}:{getattr(node, "lineno", 1)}'


def imported_names(tree: ast.Module) -> Iterator[str]:
    """Yield every imported module, and `module.name` for what is imported from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


def public_definitions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Yield the public classes and functions of a module, and the methods of those classes."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith('_'):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (method for method in node.body if isinstance(method, ast.FunctionDef)
                            and not method.name.startswith('_'))


def has_type_hints(function: ast.FunctionDef) -> bool:
    """Return whether every argument but self and cls, and the result, has a type hint."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return function.returns is not None and all(
        argument.annotation for argument in arguments if argument.arg not in ('self', 'cls'))


def is_print(node: ast.AST) -> bool:
    """Return whether `node` calls the built-in print."""
    return (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            and node.func.id == 'print')


def assert_none(offenders: list[str]) -> None:
    """Fail with all offenders, one a line, when there are any."""
    assert not offenders, '\n'.join(['', *offenders])


def test_only_the_ros_rooms_import_ros() -> None:
    rooms = [path for path in MODULES if path.relative_to(PACKAGE).parts[0] not in ROS_ROOMS]
    assert len(rooms) > 20
    assert_none([f'{place(path)} {name}' for path in rooms for name in imported_names(parsed(path))
                 if ROS_PACKAGE.match(name) and not (
                     path in STARTS_ROS and name.startswith('latent_rag_ros.ros.'))])


def test_everything_public_has_a_docstring() -> None:
    assert_none([place(path) for path in MODULES if not ast.get_docstring(parsed(path))])
    assert_none([f'{place(path, node)} {node.name}' for path in MODULES
                 for node in public_definitions(parsed(path)) if not ast.get_docstring(node)])


def test_every_public_function_has_type_hints() -> None:
    assert_none([f'{place(path, node)} {node.name}' for path in MODULES
                 for node in public_definitions(parsed(path))
                 if isinstance(node, ast.FunctionDef) and not has_type_hints(node)])


def test_nothing_prints_and_no_except_is_bare() -> None:
    assert_none([place(path, node) for path in MODULES for node in ast.walk(parsed(path))
                 if is_print(node) or (isinstance(node, ast.ExceptHandler) and node.type is None)])


def test_no_function_is_too_long() -> None:
    assert_none([f'{place(path, node)} {node.name}' for path in MODULES
                 for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef)
                 and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX])


def test_files_are_short_and_narrow() -> None:
    texts = {path: path.read_text(encoding='utf-8').splitlines() for path in SOURCES}
    assert_none([place(path) for path, lines in texts.items() if len(lines) > LINES_MAX])
    assert_none([f'{place(path)[:-1]}{number}' for path, lines in texts.items()
                 for number, line in enumerate(lines, 1) if len(line) > COLUMNS_MAX])


def test_no_file_has_a_personal_path_or_an_open_task() -> None:
    unfinished = re.compile(r'\b(TO' r'DO|FIX' r'ME)\b')
    assert_none([place(path) for path in SOURCES
                 if PERSONAL_PATH.search(path.read_text(encoding='utf-8'))
                 or unfinished.search(path.read_text(encoding='utf-8'))])


@pytest.mark.parametrize('room', ROS_FREE_ROOMS)
def test_room_imports_where_ros_is_not_installed(room: str) -> None:
    modules = [f'latent_rag_ros.{path.relative_to(PACKAGE).with_suffix("").as_posix()}'
               .replace('/', '.') for path in sorted((PACKAGE / room).rglob('*.py'))
               if path.name not in ('__init__.py', '__main__.py')]
    script = '\n'.join((
        'import importlib, re, sys',
        'class Refuse:',
        '    def find_spec(self, name, path=None, target=None):',
        f'        if re.match({ROS_PACKAGE.pattern!r}, name):',
        '            raise ModuleNotFoundError(f"{name} is not installed here", name=name)',
        'sys.meta_path.insert(0, Refuse())',
        f'for name in {[f"latent_rag_ros.{room}", *modules]!r}:',
        '    importlib.import_module(name)'))
    result = subprocess.run([sys.executable, '-c', script], capture_output=True, text=True,
                            check=False, timeout=300)
    assert result.returncode == 0, result.stderr
