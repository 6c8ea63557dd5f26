"""What `--engine ray` asks Ray for."""

from __future__ import annotations

from pathlib import Path

import pytest

from molediff.commands import ray_engine


@pytest.mark.parametrize(("device", "gpus"), [("cpu", 0), (None, 0), ("cuda", 1)])
def test_an_actor_asks_ray_for_the_gpu_it_works_on(
    device: str | None, gpus: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[float] = []
    monkeypatch.setattr(ray_engine, "run_on_ray", lambda *rest, num_gpus: asked.append(num_gpus))
    work = {"weights": "qm9_fast", "num_conformers": 1, "seed": 0}
    ray_engine.run([], str(tmp_path), work, {}, device, 1)
    assert asked == [gpus]
