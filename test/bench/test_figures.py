"""Distributions, slopes and growth of known numbers."""
from __future__ import annotations

import os
import subprocess
import sys

import pytest

from latent_rag_ros.bench.figures import distribution, growth_exponent, slope
from latent_rag_ros.bench.process_use import memory_mb, processor_s
from latent_rag_ros.bench.work import exponents


def test_distribution_of_a_hundred_numbers():
    assert distribution(list(range(101))) == {
        'p50': 50, 'p95': 95, 'p99': 99, 'mean': 50, 'count': 101}


def test_distribution_of_nothing_counts_nothing():
    assert distribution([]) == {'count': 0}


def test_slope_of_a_line_is_its_rise_and_of_one_place_zero():
    assert slope([0, 1, 2], [5, 8, 11]) == pytest.approx(3)
    assert slope([1, 1], [5, 8]) == 0


@pytest.mark.parametrize('exponent', [0.5, 1, 2])
def test_growth_exponent_is_that_of_the_power_law(exponent):
    work = [0, 1, 2, 5, 20]
    assert growth_exponent(work, [3 * amount ** exponent for amount in work]) == exponent


def test_growth_exponent_needs_two_points_with_work_and_cost():
    assert growth_exponent([0, 1, 2], [9, 0, 4]) is None


def test_cost_beyond_an_empty_frame_grows_linearly_with_people():
    by_people = [{'people': people, 'first_seen_ms': 40 + 7 * people} for people in (0, 1, 5, 20)]
    by_pixels = [{'pixels': pixels, 'followed_ms': 3 * pixels} for pixels in (1, 2, 4)]
    assert exponents(by_people, by_pixels) == {'people_exponent': 1, 'pixels_exponent': 1}


def test_use_of_this_process_is_read():
    now_mb, peak_mb = memory_mb(os.getpid())
    assert 0 < now_mb <= peak_mb and processor_s(os.getpid()) > 0
    with pytest.raises(OSError):
        memory_mb(2 ** 30)


def test_process_that_has_ended_holds_no_memory():
    child = subprocess.Popen([sys.executable, '-c', 'pass'], stdout=subprocess.PIPE)
    child.stdout.read()  # ends with the process, which nobody has waited for
    child.stdout.close()
    with pytest.raises(ProcessLookupError, match='has ended'):
        while True:
            memory_mb(child.pid)
    child.wait()
