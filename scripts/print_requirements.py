"""Prints what pyproject.toml needs to build, run, measure and test the package, one a line.

The Makefile installs this list into the virtual environment before it builds without isolation,
so that building again after a change takes seconds.
"""
from __future__ import annotations

import sys
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    from pip._vendor import tomli as tomllib

LARGE_EXTRAS = ('milvus',)
"""Extras for few users that would double the time of the installation; their tests are skipped."""

project = tomllib.loads((Path(__file__).resolve().parents[1] / 'pyproject.toml').read_text())
requirements = [*project['build-system']['requires'], *project['project']['dependencies']]
for name, extra in project['project']['optional-dependencies'].items():
    if name not in LARGE_EXTRAS:
        requirements += extra
sys.stdout.write('\n'.join(requirements) + '\n')
