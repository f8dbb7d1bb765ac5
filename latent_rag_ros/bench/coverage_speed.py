"""How long a whole frame takes without transport, by coverage preset and picture size."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latent_rag_ros.bench.cast import shipped_cast
from latent_rag_ros.bench.frame_times import frame_times, stage_figures
from latent_rag_ros.bench.patience import Patience
from latent_rag_ros.bench.people_speed import UNHURRIED
from latent_rag_ros.bench.scene import Scene, Stage
from latent_rag_ros.parameters import Value
from latent_rag_ros.protection.pipeline import ProtectionPipeline


def coverage_speed(values: Mapping[str, Value], scene: Scene,
                   patience: Patience) -> dict[str, Any]:
    """Return distributions of frame and stages for people who are followed.

    `values` are parameters of the protector that differ from the defaults, the coverage preset
    among them. Frames come as fast as they are done; nothing is dropped.
    """
    pipeline = ProtectionPipeline.from_values({**UNHURRIED, **values})
    times = frame_times(pipeline, Stage(scene, shipped_cast()), patience, first_seen=False)
    return {'values': dict(values), 'device': pipeline.device, **stage_figures(times)}
