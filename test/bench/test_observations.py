"""What is made of the messages that a benchmark saw."""
from __future__ import annotations

import pytest

from latent_rag_ros.bench.observations import (
    COUNTERS, Observations, Output, StatusReport, minute_slope)

MS_NS = 1_000_000


def status(stamp_ns: int, count: int, latency_ms: dict[str, float]) -> StatusReport:
    """Return a report with the same number in all counters."""
    return StatusReport(stamp_ns, True, '', dict.fromkeys(COUNTERS, count), latency_ms)


def test_figures_count_what_happened_between_begin_and_end():
    observations = Observations()
    observations.add_status(status(1, 5, {}))
    observations.add_camera()
    observations.add_output(0, 50 * MS_NS)  # before the beginning
    observations.begin()
    for stamp in (2, 3):
        observations.add_camera()
        observations.add_output(stamp, stamp + 40 * MS_NS)
        observations.add_status(status(stamp, 5 + stamp, {
            'convert': 1.0, 'detect': 20.0, 'publish': 2.0, 'total': 28.0}))
    observations.end()
    observations.add_output(9, 10)  # after the end
    figures = observations.figures()
    assert figures['frames'] == {'sent': 2, 'received': 3, 'protected': 3, 'blanked': 3,
                                 'dropped': 3, 'published': 2}
    assert figures['age_ms']['count'] == 2
    assert figures['age_ms']['p50'] == figures['age_ms']['p95'] == pytest.approx(40)
    assert figures['waiting_ms']['p50'] == pytest.approx(5)  # 28 - 1 - 20 - 2
    assert figures['transport_ms']['p50'] == pytest.approx(15)  # 40 - 28 + 1 + 2
    assert figures['transport_share'] == pytest.approx(0.375)
    assert figures['stages_ms']['detect']['p50'] == 20
    assert figures['people_per_frame'] == 1 and figures['synthetic_per_frame'] == 0


def test_figures_of_silence_are_empty_and_not_an_error():
    observations = Observations()
    observations.begin()
    observations.end()
    figures = observations.figures()
    assert figures['fps'] == 0 and figures['age_ms'] == {'count': 0}
    assert figures['transport_share'] is None and not observations.active


def test_figures_without_bounds_are_refused():
    with pytest.raises(ValueError, match='begin and end'):
        Observations().figures()


def test_growing_age_is_seen_minute_by_minute():
    outputs = [Output(0, float(second), 30.0 + 2 * (second // 60)) for second in range(180)]
    observations = Observations(outputs=outputs, _before=(0.0, {}), _after=(180.0, {}))
    rows = observations.by_minute()
    assert [row['fps'] for row in rows] == [1.0, 1.0, 1.0]
    assert [row['p50'] for row in rows] == [30, 32, 34]
    assert minute_slope(rows, 'p50') == 2 and minute_slope(rows, 'fps') == 0
