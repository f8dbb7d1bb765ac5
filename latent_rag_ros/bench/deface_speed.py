"""How long `deface` takes for the same frames: what one would run instead to blur faces.

The package (MIT) finds faces with CenterFace at full resolution and blurs them. Only the search is
measured: blurring takes little, and its module wants a copy of ffmpeg. The package is not
required here: installed as usual it would replace opencv-python-headless by opencv-python, so
`make bench` installs it without its requirements.
"""
from __future__ import annotations

import importlib.util
import time
from importlib import metadata
from typing import Any

from latent_rag_ros.bench.cast import shipped_cast
from latent_rag_ros.bench.figures import distribution
from latent_rag_ros.bench.patience import Patience
from latent_rag_ros.bench.scene import LOOP_FRAMES, Scene, Stage

SCORE_MIN = 0.2
"""The default of its command line."""

WARM_UP_FRAMES, SECOND_MS = 4, 1000.0
BACKENDS = ('onnxrt', 'opencv')


def deface_installed() -> bool:
    """Return whether the package `deface` can be imported."""
    return importlib.util.find_spec('deface') is not None


def deface_speed(scene: Scene, patience: Patience) -> dict[str, Any]:
    """Return `ms`, the median per frame with the faster of its backends, and both of them.

    Decoding and encoding of video are not measured, on either side. Raises
    `ModuleNotFoundError` where the package is not installed.
    """
    stage, backends = Stage(scene, shipped_cast()), {}
    for backend in BACKENDS:
        if backend == 'onnxrt' and importlib.util.find_spec('onnxruntime') is None:
            continue
        backends[backend] = _backend_speed(stage, backend, patience)
    fastest = min(backends, key=lambda name: backends[name]['frame_ms']['p50'])
    return {'ms': backends[fastest]['frame_ms']['p50'], 'backend': fastest,
            'version': metadata.version('deface'), 'backends': backends}


def _backend_speed(stage: Stage, backend: str, patience: Patience) -> dict[str, Any]:
    from deface.centerface import CenterFace

    finder, taken_ms, faces = CenterFace(backend=backend), [], 0
    began_s = time.monotonic()
    for number in range(WARM_UP_FRAMES + patience.frames_max):
        if len(taken_ms) >= patience.frames_min and (
                time.monotonic() - began_s > patience.seconds):
            break
        image = stage.frame(number % LOOP_FRAMES)
        frame_began_s = time.perf_counter()
        found, _ = finder(image, threshold=SCORE_MIN)
        if number >= WARM_UP_FRAMES:
            taken_ms.append(SECOND_MS * (time.perf_counter() - frame_began_s))
            faces += len(found)
        else:
            began_s = time.monotonic()
    return {'frame_ms': distribution(taken_ms),
            'faces_per_frame': round(faces / len(taken_ms), 2)}
