"""Puts the tables of the benchmark into README and docs, and draws its plot."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from latent_rag_ros.bench.plot import work_plot
from latent_rag_ros.bench.tables import bench_report, readme_table
from latent_rag_ros.evaluation.readme import write_readme_tables
from latent_rag_ros.weights.registry import write_atomically

MARKERS = 'bench_cpu'
"""Name of the markers between which the tables stand."""

TABLES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    'README.md': readme_table, 'benchmark.md': bench_report}
"""What stands between the markers, by file name."""


def write_documents(results: Mapping[str, Any], documents: Sequence[Path], plot: Path) -> None:
    """Write the tables into documents of the names in `TABLES`, and the plot.

    Raises `EvaluationError` when a document cannot be read or lacks the markers, `OSError` when
    a file cannot be written.
    """
    for path in documents:
        write_readme_tables(path, {MARKERS: TABLES[path.name](results)})
    if 'work' in results:
        write_atomically(plot, work_plot(results['work']).encode())
