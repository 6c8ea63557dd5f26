"""The generator that picks, for each molecule, the weights that fit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from molediff.molecules.energies.relax import LEARNED
from molediff.molecules.generation.choice import NarrowFirst
from molediff.molecules.generation.settings import Sampling
from molediff.molecules.generation.stream import Stream
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.perception.domain import DEFAULT, GENERAL

NARROW_WEIGHTS = DEFAULT
"""Weights for the molecules of their domain: they draw from noise, and know these molecules best."""

GENERAL_WEIGHTS = GENERAL
"""Weights for all others: drug-like molecules of thirteen elements."""


class AutoGenerator(ConformerGenerator):
    """Conformers by the weights that know the molecule, narrow ones first; see `ConformerGenerator.from_pretrained`.

    What the narrow weights miss of a molecule the general ones draw, if they can. Model, plan and domain are the narrow
    weights'; `general` has those of the others. The `provenance` of a result says which weights made it.

    Args:
        narrow: takes the molecules of its domain.
        general: takes all others.

    Raises:
        ValueError: the domain of the narrow weights is not known.
    """

    def __init__(self, narrow: ConformerGenerator, general: ConformerGenerator):
        if narrow.domain is None:
            raise ValueError(
                f"The weights {narrow.weights} have no domain, so that nothing says which molecules are theirs: give "
                "weights that have one."
            )
        super().__init__(
            narrow.model, narrow.metadata, narrow.device, narrow.precision, narrow.max_atoms, narrow.weights
        )
        self.domain = narrow.domain
        self.general = general

    def __repr__(self) -> str:
        return (
            f"<ConformerGenerator: weights {self.weights} for the molecules that they know, {self.general.weights} for "
            f"others, on {self.device}>"
        )

    def _stream(
        self,
        preset: str | None,
        groups: Mapping[str, Any],
        words: Mapping[str, Any],
        asked: Mapping[str, Any],
    ) -> Stream:
        """See `ConformerGenerator`; the user's `strict` is the general weights' to heed."""
        given = [
            field.name
            for field in fields(Sampling)
            if words.get(field.name, getattr(groups["sampling"], field.name, None)) is not None
        ]
        if given:
            raise ValueError(
                f"{', '.join(f'{name}=' for name in given)} cannot be set where each molecule gets the weights that "
                f"fit it: name the weights, {self.weights!r} or {self.general.weights!r}."
            )
        refinement = groups["refinement"]
        if (
            words.get("energies", getattr(refinement, "energies", None)) == LEARNED
        ):  # the narrow ones know none
            return self.general._pipeline(preset, groups, words, {**asked, "picked": True})
        return NarrowFirst(
            self._pipeline(preset, groups, words, {**asked, "strict": True, "picked": True}),
            self.general._pipeline(preset, groups, words, {**asked, "picked": True}),
        )
