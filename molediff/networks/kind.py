"""What a network is trained for, so that every generator can say what it expected and what it was given."""

from __future__ import annotations

from typing import Literal

from torch import nn

from molediff.networks.weights import WeightsError

Kind = Literal["conformers", "graphs", "images", "particles", "torsions"]

_GENERATORS: dict[Kind, tuple[str, str, str]] = {
    "conformers": ("a conformer model", "ConformerGenerator", "qm9"),
    "graphs": ("a model of molecular graphs", "MoleculeGenerator", "qm9_graphs"),
    "images": ("an image model", "ImageGenerator", "digits"),
    "torsions": ("a prior of torsions", "ConformerGenerator with weights 'drugs'", "drugs_torsions"),
    "particles": ("a particle model", "ParticleGenerator", "lj13"),
}


def check_kind(network: nn.Module, expected: Kind) -> None:
    """Raise a WeightsError if a network says, by its attribute `kind`, that it is for something else.

    One of your own that says nothing is taken at its word.
    """
    kind = getattr(network, "kind", expected)
    if kind == expected:
        return
    model, _, weights = _GENERATORS[expected]
    use = f"{_GENERATORS[kind][1]} for them" if kind in _GENERATORS else "another generator for them"
    raise WeightsError(
        f"Expected weights of {model}; these are of {kind}. Use {use}, or weights such as {weights!r} here."
    )
