"""`benchmark=drug_failures`: which molecules get no conformers, and whose stereo goes wrong, by what they are like."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure

from molediff.evaluation.conformers.benchmark.crystal_run import identity, late
from molediff.evaluation.conformers.benchmark.failures import Fate, Traits, fate_of, unseen_smiles
from molediff.evaluation.report.files import finite_or_none, write_figure
from molediff.evaluation.report.style import FIGURE_STYLE, METHOD_COLOURS
from molediff.evaluation.report.text import text_table
from molediff.molecules.generator import ConformerGenerator
from molediff.runtime.files import complete_file
from molediff.runtime.words import counted

Group = tuple[str, Callable[[Traits], bool]]
GROUPS: tuple[Group, ...] = (
    ("all", lambda t: True),
    ("C, H, N, O alone", lambda t: not t.elements),
    *((f"with {e}", lambda t, e=e: e in t.elements) for e in ("F", "S", "Cl", "Br", "I", "P", "B", "Si", "Se")),
    ("no charges", lambda t: not t.has_charges),
    ("charges that cancel", lambda t: t.has_charges and t.charge == 0),
    ("cation", lambda t: t.charge > 0),
    ("anion", lambda t: t.charge < 0),
    ("no ring", lambda t: t.largest_ring == 0),
    ("largest ring 3 to 4", lambda t: 3 <= t.largest_ring <= 4),
    ("largest ring 5 to 6", lambda t: 5 <= t.largest_ring <= 6),
    ("largest ring 7 to 8", lambda t: 7 <= t.largest_ring <= 8),
    ("largest ring 9 to 11", lambda t: 9 <= t.largest_ring <= 11),
    ("largest ring 12 and more", lambda t: t.largest_ring >= 12),
    ("0 to 3 rotors", lambda t: t.num_rotors <= 3),
    ("4 to 6 rotors", lambda t: 4 <= t.num_rotors <= 6),
    ("7 to 9 rotors", lambda t: 7 <= t.num_rotors <= 9),
    ("10 rotors and more", lambda t: t.num_rotors >= 10),
    ("no stereocentre", lambda t: t.num_centres == 0),
    ("1 stereocentre", lambda t: t.num_centres == 1),
    ("2 to 3 stereocentres", lambda t: 2 <= t.num_centres <= 3),
    ("4 to 7 stereocentres", lambda t: 4 <= t.num_centres <= 7),
    ("8 stereocentres and more", lambda t: t.num_centres >= 8),
    ("more than 92 atoms", lambda t: t.num_atoms > 92),
)  # fmt: skip
"""Kinds of molecules by name; those that are not there are left out of the table. 92 atoms are the most in training."""

HEAD = ["molecules", "number", "none", "some missing", "ETKDGv3: none", "drawn again", "centres wrong", "of",
        "E/Z wrong", "of", "wrong returned"]  # fmt: skip
_UNITS = ["", "", "%", "%", "%", "%", "%", "", "%", "", ""]
LEGEND = (
    "None, some missing: molecules without any, and without all of those asked for. Drawn again: samples beyond "
    "as many. Wrong: of the centres (R/S) and double bonds asked for, in samples before any correction. "
    "Wrong returned: conformers whose stereo, perceived anew, is another."
)


def measure(
    folder: str,
    molecules: str,
    num_molecules: int | None,
    trained: Sequence[str],
    weights: str,
    options: Mapping[str, Any],
    num_conformers: int,
    etkdg: bool,
    seed: int,
    max_minutes: float | None = None,
) -> dict[str, Any]:
    """Run what `configs/benchmark/drug_failures.yaml` asks for: a table, a picture, and the figures.

    Raises:
        RuntimeError: the time was up before there was a molecule.
    """
    torch.set_num_threads(1)
    begun = time.monotonic()
    smiles = unseen_smiles(molecules, trained)[:num_molecules]
    generator = ConformerGenerator.from_pretrained(weights, device="cpu")
    settings = {
        **identity(weights, generator),
        "options": {key: str(value) for key, value in options.items()},
        "num_conformers": num_conformers,
        "etkdg": etkdg,
        "seed": seed,
    }

    def make(one: str) -> Fate:
        return fate_of(generator, one, num_conformers, seed, options, etkdg)

    fates = list(_kept(Path(folder) / "molecules.jsonl", settings, smiles, make, begun, max_minutes))
    if not fates:
        raise RuntimeError(f"no molecule was done within max_minutes={max_minutes}: allow more.")
    table = "\n".join([text_table(HEAD, map(line, grouped(fates)), _UNITS), "", LEGEND])
    print(f"{len(fates)} of {counted(len(smiles), 'molecule')} of {molecules}, in an order by hash\n{table}")
    with complete_file(Path(folder) / "table.txt") as file:
        file.write(f"{table}\n")
    write_figure(missing_figure(grouped(fates)), Path(folder) / "failures.png", dpi=150)
    found: dict[str, Any] = finite_or_none(
        {
            "num_molecules": len(fates),
            "groups": grouped(fates),
            "rejected": dict(sum((Counter(fate.num_rejected) for fate in fates), Counter())),
            "no_conformer": [[fate.smiles, fate.reason] for fate in fates if not fate.num_returned],
            "seconds_mean": float(np.mean([fate.seconds for fate in fates])),
        }
    )
    with complete_file(Path(folder) / "figures.json") as file:
        json.dump(found, file, indent=1)
    return found


def _kept(
    path: Path,
    settings: dict[str, Any],
    smiles: Sequence[str],
    make: Callable[[str], Fate],
    begun: float,
    max_minutes: float | None,
) -> Iterator[Fate]:
    """Those in the file, if they were measured with these settings, then new ones, each written when it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    if not lines or json.loads(lines[0]) != settings:
        lines = [json.dumps(settings)]
        path.write_text(f"{lines[0]}\n", encoding="utf-8")
    known = {fate.smiles: fate for fate in map(Fate.from_json, map(json.loads, lines[1:]))}
    with path.open("a", encoding="utf-8") as file:
        for one in smiles:
            if one not in known and late(begun, max_minutes):
                return  # so that those measured are the first ones
            if one not in known:
                known[one] = make(one)
                file.write(json.dumps(asdict(known[one])) + "\n")
                file.flush()
            yield known[one]


def grouped(fates: Sequence[Fate]) -> list[dict[str, Any]]:
    """Figures of all molecules and of each kind of which there are some; shares between 0 and 1, NaN of nothing."""
    found = []
    for name, belongs in GROUPS:
        mine = [fate for fate in fates if belongs(fate.traits)]
        if not mine:
            continue
        requested, drawn = (
            sum(getattr(fate, key) for fate in mine) for key in ("num_requested", "num_drawn")
        )
        tried = [fate.etkdg == 0 for fate in mine if fate.etkdg is not None]
        raw = {key: sum(getattr(fate.raw, key) for fate in mine) for key in asdict(mine[0].raw)}
        found.append(
            {
                "name": name,
                "num_molecules": len(mine),
                "none": sum(fate.num_returned == 0 for fate in mine) / len(mine),
                "some_missing": sum(0 < fate.num_returned < fate.num_requested for fate in mine) / len(mine),
                "none_by_etkdg": float(np.mean(tried)) if tried else float("nan"),
                "drawn_again": max(0, drawn - requested) / requested,
                "wrong_centres": _share(raw["num_wrong_centres"], raw["num_centres"]),
                "num_centres": raw["num_centres"],
                "wrong_double_bonds": _share(raw["num_wrong_double_bonds"], raw["num_double_bonds"]),
                "num_double_bonds": raw["num_double_bonds"],
                "wrong_returned": sum(fate.num_wrong_returned for fate in mine),
            }
        )
    return found


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def line(group: Mapping[str, Any]) -> list[str]:
    """One group as shown."""

    def percent(key: str, digits: int = 1) -> str:
        value = group[key]
        return "–" if np.isnan(value) else f"{100 * value:.{digits}f}"

    return [
        group["name"],
        str(group["num_molecules"]),
        *(percent(key) for key in ("none", "some_missing", "none_by_etkdg", "drawn_again")),
        percent("wrong_centres", 2),
        str(group["num_centres"]),
        percent("wrong_double_bonds", 2),
        str(group["num_double_bonds"]),
        str(group["wrong_returned"]),
    ]


def missing_figure(groups: Sequence[Mapping[str, Any]]) -> Figure:
    """Bars: molecules of each kind without any conformer, and without some."""
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(6.4, 0.6 + 0.24 * len(groups)), layout="constrained")
        axes = figure.subplots()
        names = [f"{group['name']} ({group['num_molecules']})" for group in groups][::-1]
        none, some = (
            np.array([100 * group[key] for group in groups])[::-1] for key in ("none", "some_missing")
        )
        axes.barh(names, none, color=METHOD_COLOURS[4], label="no conformer")
        axes.barh(names, some, left=none, color=METHOD_COLOURS[1], label="some missing")
        axes.set(xlabel="molecules / %", xlim=(0, max(2.0, 1.05 * float((none + some).max()))))
        axes.grid(axis="y", visible=False)
        figure.legend(loc="outside upper left", ncols=2)
    return figure
