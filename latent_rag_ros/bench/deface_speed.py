"""How long `deface` takes for the same frames: what one would run instead to blur faces.

The package (MIT) finds faces with CenterFace at full resolution and blurs them. It is not
required here: installed as usual it would replace opencv-python-headless by opencv-python, so
`make bench` installs it without its requirements, all of which this package has.
"""
from __future__ import annotations

import importlib.util
import time
from importlib import metadata
from typing import Any

from latent_rag_ros.bench.cast import shipped_cast
from latent_rag_ros.bench.figures import distribution
from latent_rag_ros.bench.frame_times import SECOND_MS, WARM_UP_FRAMES, Patience
from latent_rag_ros.bench.scene import LOOP_FRAMES, Scene, Stage

SCORE_MIN, MASK_SCALE, MOSAIC_PX = 0.2, 1.3, 20
"""The defaults of its command line."""

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
    from deface.deface import anonymize_frame

    finder, taken_ms, faces = CenterFace(backend=backend), [], 0
    began_s = time.monotonic()
    for number in range(WARM_UP_FRAMES + patience.frames_max):
        if len(taken_ms) >= patience.frames_min and (
                time.monotonic() - began_s > patience.seconds):
            break
        image = stage.frame(number % LOOP_FRAMES)
        frame_began_s = time.perf_counter()
        found, _ = finder(image, threshold=SCORE_MIN)
        anonymize_frame(found, image, mask_scale=MASK_SCALE, replacewith='blur', ellipse=True,
                        draw_scores=False, replaceimg=None, mosaicsize=MOSAIC_PX)
        if number >= WARM_UP_FRAMES:
            taken_ms.append(SECOND_MS * (time.perf_counter() - frame_began_s))
            faces += len(found)
        else:
            began_s = time.monotonic()
    return {'frame_ms': distribution(taken_ms),
            'faces_per_frame': round(faces / len(taken_ms), 2)}
