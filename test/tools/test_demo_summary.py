"""The figures of a demo run: percentiles, stamps, and counters that add up."""
from __future__ import annotations

import json
from typing import Any

import pytest

from latent_rag_ros.tools.demo_recording import Recording, Status
from latent_rag_ros.tools.demo_summary import complaint, percentiles, summary

COUNTERS = dict(frames_received=10, frames_protected=6, frames_blanked=1, frames_dropped=3,
                persons_protected=12, persons_solid=2, identities_published=9)


def status(stamp_ns: int = 1, **changes: Any) -> Status:
    """Return a status of an active protector."""
    values = {'active': True, 'state': 'protecting', 'message': '', 'method': 'latent_rag',
              'device': 'cpu', **COUNTERS, **changes}
    return Status(stamp_ns=stamp_ns, **values)


def recording_of_good_run() -> Recording:
    """Return a recording in which seven of ten frames came out, half a second apart."""
    recording = Recording()
    for number in range(10):
        recording.add_camera(number)
    for number in range(7):
        recording.add_output(number, 100.0 + number / 2)
    recording.add_status(status())
    return recording


def test_percentiles_of_known_values():
    assert percentiles([float(value) for value in range(101)]) == {'p50': 50.0, 'p95': 95.0}
    assert percentiles([7.0]) == {'p50': 7.0, 'p95': 7.0}


def test_summary_holds_every_promised_key():
    recording = recording_of_good_run()
    recording.add_status(status(2, latency_ms={'detect': 30.0, 'embed': 10.0}))
    recording.add_matches(2, 3)
    recording.add_matches(1, 4)
    figures = json.loads(json.dumps(summary(recording), allow_nan=False))
    assert {key: figures[key] for key in COUNTERS} == COUNTERS
    assert figures['identities_matched'] == 3 and figures['gallery_identities'] == 4
    assert figures['latency_ms'] == {'detect': {'p50': 30.0, 'p95': 30.0},
                                     'embed': {'p50': 10.0, 'p95': 10.0}}
    assert figures['fps'] == 2.0
    assert (figures['device'], figures['method']) == ('cpu', 'latent_rag')
    assert set(figures['versions']) == {'latent_rag_ros', 'python', 'rclpy', 'torch', 'faiss',
                                        'opencv', 'numpy'}


def test_latency_counts_once_per_frame_when_a_status_is_repeated():
    recording = Recording()
    for stamp_ns, latency_ms in ((1, 10.0), (1, 10.0), (2, 30.0)):
        recording.add_status(status(stamp_ns, latency_ms={'detect': latency_ms}))
    assert recording.latencies_ms == {'detect': [10.0, 30.0]}


def test_complaint_is_empty_when_the_counters_add_up():
    assert complaint(summary(recording_of_good_run())) == ''


@pytest.mark.parametrize('changes, words', [
    ({'frames_dropped': 2}, '10 frames were received, but 9'),
    ({'frames_pending': 1}, '1 are pending'),
    ({'frames_protected': 0, 'frames_blanked': 7}, 'none of 10'),
    ({'frames_received': 0, 'frames_protected': 0, 'frames_blanked': 0, 'frames_dropped': 0},
     'none of 0'),
])
def test_complaint_names_what_is_wrong(changes, words):
    recording = recording_of_good_run()
    recording.add_status(status(2, **changes))
    assert words in complaint(summary(recording))


def test_complaint_when_nothing_was_ever_reported():
    assert 'none of 0' in complaint(summary(Recording()))


def test_stamps_the_camera_never_sent_are_counted():
    recording = recording_of_good_run()
    recording.add_output(77, 110.0)
    recording.add_output(3, 111.0)
    figures = summary(recording)
    assert (figures['stamps_unknown'], figures['stamps_repeated']) == (1, 1)
    assert 'stamp that the camera never sent' in complaint(figures)


def test_accounted_only_when_nothing_is_pending():
    assert status().accounted
    assert not status(frames_pending=1).accounted
    assert not status(frames_received=11).accounted
