#!/usr/bin/env python3
"""Measure the person detector and the mask on a video: persons per frame and milliseconds.

The figures in the cards come from `vtest.avi` of Debian's opencv-doc package:
scripts/measure_perception.py /usr/share/doc/opencv-doc/examples/data/vtest.avi
"""
from __future__ import annotations

import argparse
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from latent_rag_ros.parameters import PROTECTOR, checked_values
from latent_rag_ros.perception import nanodet, person_mask
from latent_rag_ros.protection.types import ImageArray
from latent_rag_ros.weights.registry import weights_file

Result = TypeVar('Result')


def frames(path: Path, every: int) -> Iterator[ImageArray]:
    """Yield every n-th frame of a video as RGB; raise `OSError` when there is none."""
    video = cv2.VideoCapture(str(path))
    if not video.isOpened():
        raise OSError(f'video {path} cannot be opened; give an existing file that OpenCV can read')
    index = 0
    while video.grab():
        if index % every == 0:
            yield cv2.cvtColor(video.retrieve()[1], cv2.COLOR_BGR2RGB)
        index += 1
    video.release()


def timed(durations_ms: list[float], call: Callable[[], Result]) -> Result:
    """Return the result of a call and append its duration."""
    start_s = time.perf_counter()
    result = call()
    durations_ms.append((time.perf_counter() - start_s) * 1e3)
    return result


def main(arguments: list[str] | None = None) -> int:
    """Measure with the default parameters and write one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('video', type=Path)
    parser.add_argument('--every', type=int, default=8, help='look at every n-th frame')
    parser.add_argument('--threads', type=int, default=1, help='threads of OpenCV')
    values = checked_values(PROTECTOR, {})
    parser.add_argument('--score-min', type=float, default=values['detector.score_min'])
    options = parser.parse_args(arguments)
    cv2.setNumThreads(options.threads)
    detector = nanodet.NanoDetDetector(weights_file(nanodet.WEIGHTS_NAME), options.score_min,
                                       values['detector.overlap_max'])
    masker = person_mask.PersonMasker(weights_file(person_mask.WEIGHTS_NAME),
                                      values['mask.score_min'])
    counts: list[int] = []
    detect_ms: list[float] = []
    mask_ms: list[float] = []
    for image in frames(options.video, options.every):
        detections = timed(detect_ms, lambda: detector.detect(image))
        counts.append(len(detections))
        for detection in detections:
            timed(mask_ms, lambda: masker.mask(image, detection.box))
    sys.stdout.write(
        f'{len(counts)} frames, {options.threads} threads, OpenCV {cv2.__version__}, '
        f'{platform.machine()}, score_min {options.score_min}\n'
        f'persons per frame: mean {np.mean(counts):.2f}, fewest {min(counts)}\n'
        f'detect: median {np.median(detect_ms):.1f} ms, fastest {min(detect_ms):.1f} ms\n'
        f'mask, per person: median {np.median(mask_ms):.1f} ms, fastest {min(mask_ms):.1f} ms\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
