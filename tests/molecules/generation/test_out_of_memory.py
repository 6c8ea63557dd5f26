"""A batch that memory does not hold is drawn in halves, and nothing is lost or different."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from molediff.molecules.generation.sampler import Sampler
from molediff.molecules.generator import ConformerGenerator

SMILES = ("CCO", "CC(N)=O", "C[C@H](O)C#N")


def drawn(generator: ConformerGenerator) -> list[np.ndarray]:
    return [result.ensemble.coordinates for result in generator.generate_many(SMILES, 6, seed=2)]


def no_room_for(monkeypatch: pytest.MonkeyPatch, most: int, message: str) -> list[int]:
    former, sizes = Sampler.draw, []

    def draw(self: Any, graphs: Any, counts: Any, *more: Any) -> Any:
        num = sum(counts)
        sizes.append(num)
        if num > most:
            raise RuntimeError(message)
        return former(self, graphs, counts, *more)

    monkeypatch.setattr(Sampler, "draw", draw)
    return sizes


@pytest.mark.parametrize(
    "message",
    [
        "CUDA out of memory. Tried to allocate 20.00 GiB",
        "DefaultCPUAllocator: can't allocate memory: you tried",
    ],
)
def test_samples_are_those_of_whole_batches(message: str, monkeypatch: pytest.MonkeyPatch):
    generator = ConformerGenerator.from_pretrained("qm9_fast", device="cpu")
    expected = drawn(generator)
    sizes = no_room_for(monkeypatch, 4, message)
    with pytest.warns(UserWarning, match="out of memory with .* drawn in halves"):
        found = drawn(generator)
    assert max(sizes) > 4
    for mine, whole in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, whole, atol=1e-4)


@pytest.mark.filterwarnings("ignore:out of memory")
def test_what_does_not_fit_alone_is_an_error(monkeypatch: pytest.MonkeyPatch):
    generator = ConformerGenerator.from_pretrained("qm9_fast", device="cpu")
    no_room_for(monkeypatch, 0, "CUDA out of memory")
    with pytest.raises(RuntimeError, match="out of memory"):
        drawn(generator)


def test_other_errors_are_not_taken_for_it(monkeypatch: pytest.MonkeyPatch):
    generator = ConformerGenerator.from_pretrained("qm9_fast", device="cpu")
    no_room_for(monkeypatch, 0, "shapes do not agree")
    with pytest.raises(RuntimeError, match="shapes do not agree"):
        drawn(generator)
