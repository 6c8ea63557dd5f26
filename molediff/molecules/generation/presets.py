"""Bundles of settings for what people do with conformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from molediff.molecules.energies.relax import LEARNED

# Of 200 conformers 50 are chosen, as published ensembles for docking are.
_POOL_OF_CRYSTAL = 4
# Different samples come near one minimum, and few samples miss the lowest.
_POOL_OF_MINIMA, _MORE_OF_MINIMA = 2, 16
_SAME_SHAPE, _LIKE_ENERGY = 0.3, 1.0
"""In Angstrom and in kcal/mol: between samples near one minimum."""
_SAME_MINIMUM, _SAME_ENERGY = 0.125, 0.05
"""The same between minima of one energy surface, as in the search of ensembles."""

PRESETS = ("crystal", "minima")


def settings_of(
    preset: str | None, num_conformers: int, refines: bool = False, gives_energies: bool = False
) -> dict[str, Any]:
    """The settings that a preset stands for.

    "crystal", for docking and shape searching: the conformers stand for all shapes that the molecule takes, chosen from
    four times as many; weights that refine begin with such a choice of torsions as crystals have them. No energy and no
    relaxation: bound shapes are often not the lowest ones of a molecule alone.

    "minima", for energies and properties: different conformers near minima, lowest first, from twice as many and at
    least 16 more; fewer, where these hold no more that differ. Energies that the weights have learned order them, or
    those of MMFF94s, of weights that know none and where atoms are held.
    That force field does not relax them, since they lie nearer to minima of quantum chemistry than its own do.
    With a `relax` of one's own they are minima of that method, in the order of its energies.

    Args:
        preset: one of `PRESETS`, or None for no settings.
        num_conformers: asked for.
        refines: whether the weights begin with structures.
        gives_energies: whether they tell energies of what is handed out.

    Raises:
        ValueError: there is no such preset.
    """
    if preset is None:
        return {}
    if preset == "crystal":
        if refines:
            return {"init": "crystal"}
        return {"pool": _POOL_OF_CRYSTAL * num_conformers, "select": "coverage"}
    if preset == "minima":
        return {
            "energies": LEARNED if gives_energies else "mmff",
            "prune_rmsd": _SAME_SHAPE,
            "prune_energy": _LIKE_ENERGY,
            "pool": max(_POOL_OF_MINIMA * num_conformers, num_conformers + _MORE_OF_MINIMA),
            "select": "energy",
            "rank": True,
        }
    raise ValueError(f"preset must be one of {', '.join(map(repr, PRESETS))}, or None; got {preset!r}.")


def with_preset(
    preset: str | None,
    num_conformers: int,
    groups: Mapping[str, Any],
    words: Mapping[str, Any],
    refines: bool = False,
    gives_energies: bool = False,
) -> dict[str, Any]:
    """The words of a call with those of a preset behind them: what is given by itself stands.

    `energies`, and what counts as the same conformer, follow `relax`, and without a pool there is no choice from one.

    Args:
        preset, num_conformers, refines, gives_energies: see `settings_of`.
        groups: of the call, by name, None where not given.
        words: settings of the call.

    Raises:
        ValueError: there is no such preset, or `refinement` is given beside one.
    """
    settings = settings_of(preset, num_conformers, refines, gives_energies)
    if settings and groups.get("refinement") is not None:
        raise ValueError(
            f"preset={preset!r} beside refinement=: give settings by themselves, or leave the preset out."
        )
    if groups.get("sampling") is not None:
        settings.pop("init", None)
    if preset == "minima" and words.get("relax") is not None:
        settings |= {
            "energies": words["relax"],
            "prune_rmsd": _SAME_MINIMUM,
            "prune_energy": _SAME_ENERGY,
        }
    if "prune_rmsd" in words:  # a distance of one's own is meant whatever the energies are
        settings.pop("prune_energy", None)
    if "pool" in words and words["pool"] is None:
        settings.pop("select", None)
    return {**settings, **words}
