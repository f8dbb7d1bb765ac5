"""Arrays of the package's data files, or a speaking error."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from latent_rag_ros.evaluation.errors import EvaluationError


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, NDArray]:
    """Return the named arrays of an .npz file.

    Raises `EvaluationError` when the file is missing, damaged, or lacks one of them.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in names}
    except FileNotFoundError as error:
        raise EvaluationError(f'{path.name} is not in {path.parent.name}/; install the package '
                              'again with its data') from error
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise EvaluationError(f'{path.name} is damaged ({error}); install the package again '
                              'with its data') from error
