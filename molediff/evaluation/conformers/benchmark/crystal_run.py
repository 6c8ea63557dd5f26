"""`benchmark=crystal`: RDKit, CONFORGE and our weights against crystal conformers; rows, table and picture."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib.figure import Figure
from rdkit import rdBase
from rdkit.Chem import Mol

from molediff.evaluation.conformers.baselines import etkdg, etkdg_mmff
from molediff.evaluation.conformers.benchmark.crystal import (
    THRESHOLDS,
    CrystalMethod,
    CrystalMolecule,
    CrystalRow,
    evenly,
    from_smiles,
    measure_crystal_row,
)
from molediff.evaluation.conformers.benchmark.run import digest
from molediff.evaluation.conformers.references import read_references
from molediff.evaluation.conformers.rivals import conforge, etkdg_spread
from molediff.evaluation.report.files import finite_or_none, write_figure
from molediff.evaluation.report.style import DATA_COLOUR, FIGURE_STYLE, METHOD_COLOURS
from molediff.evaluation.report.text import text_table
from molediff.molecules.generator import ConformerGenerator
from molediff.networks.pretrained import find_weights
from molediff.runtime.files import complete_file
from molediff.runtime.words import counted

Baseline = Callable[[Mol, int, int], "Mol | None"]
RIVALS: dict[str, Baseline] = {
    "ETKDGv3": etkdg,
    "ETKDGv3 + MMFF94s": etkdg_mmff,
    "ETKDGv3, 4 times as many, by spread": etkdg_spread,
    "CONFORGE": conforge,
}
"""By the name of the row."""

LEGEND = (
    "At most so many conformers of each molecule from its isomeric SMILES; least heavy-atom RMSD to the crystal over "
    "symmetries (at most 10,000 mappings). Mean: of the molecules solved; median and shares: of all, a failure is "
    "infinitely far. Diversity: mean RMSD between the conformers. Time: of one thread, by the processor's clock, for a "
    "molecule, everything counted."
)
_COLUMNS = (
    ("rmsd_mean", "mean", "Å", 3, 1),
    ("rmsd_median", "median", "Å", 3, 1),
    *((f"below_{threshold:g}", f"< {threshold:g} Å", "%", 1, 100) for threshold in THRESHOLDS),
    ("num_failed", "failed", "", 0, 1),
    ("num_returned_mean", "returned", "", 1, 1),
    ("diversity_mean", "diversity", "Å", 2, 1),
    ("wrong_stereo", "wrong stereo", "%", 2, 100),
    ("seconds_mean", "time, mean", "s", 2, 1),
    ("seconds_median", "median", "s", 2, 1),
)  # key, title, unit, digits, factor
HEAD = ["method", "at most", *(title for _, title, *_ in _COLUMNS)]
_UNITS = ["", "", *(unit for _, _, unit, *_ in _COLUMNS)]


@dataclass(frozen=True)
class CrystalContender:
    """A method of the benchmark.

    Attributes:
        name: of the row.
        method: see `CrystalMethod`.
        settings: all that decides the row besides what all share.
    """

    name: str
    method: CrystalMethod
    settings: dict[str, Any] = field(default_factory=dict)


def measure(
    folder: str,
    references: str,
    num_molecules: int | None,
    num_conformers: Sequence[int],
    rivals: Sequence[str],
    ours: Sequence[str],
    presets: Sequence[str | None],
    options: dict[str, Any],
    seed: int,
    max_minutes: float | None = None,
) -> dict[str, Any]:
    """Run what `configs/benchmark/crystal.yaml` asks for: a table, a picture, and the figures.

    Raises:
        RuntimeError: the time was up before there was a row.
    """
    torch.set_num_threads(1)
    begun = time.monotonic()
    mols = evenly(read_references(references), num_molecules)
    shared = {"references": digest(references), "num_molecules": len(mols), "seed": seed}
    run_id = datetime.now(timezone.utc).isoformat(timespec="microseconds")
    rows = []
    for num in num_conformers:
        for contender in [*of_rivals(rivals), *of_weights(ours, presets, options)]:
            settings = {**shared, "num_conformers": num, "name": contender.name, **contender.settings}
            path = Path(folder) / "rows" / f"{_file_name(contender.name)}_{num}.json"
            row = load_row(path, settings)
            if row is None and late(begun, max_minutes):
                print(f"left out, as the time is up: {contender.name}, {num}", flush=True)
                continue
            if row is None:
                with rdBase.BlockLogs():
                    contender.method(from_smiles(mols[0]), 1, seed)  # warm up
                    row = measure_crystal_row(contender.name, contender.method, mols, num, seed, run_id)
                save_row(path, settings, row)
            rows.append(row)
            print("  ".join(line(row)), flush=True)
            for reason, count in row.reasons[:3]:
                print(f"    {count} without a conformer: {reason or 'no reason given'}", flush=True)
    if not rows:
        raise RuntimeError(f"no row was measured within max_minutes={max_minutes}: allow more.")
    table = table_of(rows)
    print(f"\n{counted(len(mols), 'molecule')} of {references}\n{table}")
    with complete_file(Path(folder) / "table.txt") as file:
        file.write(f"{table}\n")
    write_figure(share_figure(rows), Path(folder) / "crystal.png", dpi=150)
    figures = [
        {"name": row.name, "num_conformers": row.num_conformers, "run_id": row.run_id, **row.figures}
        for row in rows
    ]
    found: dict[str, Any] = finite_or_none({"num_molecules": len(mols), "rows": figures})
    with complete_file(Path(folder) / "figures.json") as file:
        json.dump(found, file, indent=1)
    return found


def late(begun: float, max_minutes: float | None) -> bool:
    """Whether more than `max_minutes` have passed since `begun` (`time.monotonic`)."""
    return max_minutes is not None and time.monotonic() - begun > 60 * max_minutes


def of_rivals(names: Sequence[str]) -> Iterator[CrystalContender]:
    """The rows of `RIVALS` that are named; CONFORGE is left out, and that is said, if it is not installed.

    Raises:
        ValueError: there is no such row.
    """
    for name in names:
        if name not in RIVALS:
            raise ValueError(f"no rival is called {name!r}; there are {', '.join(map(repr, RIVALS))}.")
        if name == "CONFORGE" and find_spec("CDPL") is None:
            print("without CONFORGE: it needs cdpkit, pip install 'molediff[rivals]'", flush=True)
            continue
        yield CrystalContender(name, _plain(RIVALS[name]))


def _plain(baseline: Baseline) -> CrystalMethod:
    def method(mol: Mol, num_conformers: int, seed: int) -> tuple[Mol | None, str]:
        return baseline(mol, num_conformers, seed), ""

    return method


def of_weights(
    weights: Sequence[str], presets: Sequence[str | None], options: dict[str, Any]
) -> Iterator[CrystalContender]:
    """A row for each of the weights with each preset.

    Args:
        weights: names, or .safetensors files.
        presets: of `generate_many`; None for as many samples as conformers.
        options: more of `generate_many`, the same for all.
    """
    for name in weights:
        generator = ConformerGenerator.from_pretrained(name, device="cpu")
        for preset in presets:
            asked = {**options, "preset": preset}
            settings = {**identity(name, generator), **{key: str(value) for key, value in asked.items()}}
            title = f"molediff {Path(name).stem}" + (f", {preset}" if preset else "")
            yield CrystalContender(title, by_generator(generator, asked), settings)


def identity(weights: str, generator: ConformerGenerator) -> dict[str, Any]:
    """What tells one generator from another: its files and how it is sampled."""
    files = {"weights": digest(find_weights(weights)), "plan": str(generator.plan)}
    prior = {} if generator.plan.init is None else {"torsions": digest(find_weights("drugs_torsions"))}
    return {**files, **prior}


def by_generator(generator: ConformerGenerator, options: dict[str, Any]) -> CrystalMethod:
    """`generate` with these settings as a method of the benchmark."""

    def method(mol: Mol, num_conformers: int, seed: int) -> tuple[Mol | None, str]:
        result = generator.generate(mol, num_conformers, seed, **options)
        return result.mol, result.reason

    return method


def load_row(path: Path, settings: dict[str, Any]) -> CrystalRow | None:
    """The row in a file, if it was measured with these settings."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("settings") != _as_json(settings):
        return None
    molecules = []
    for entry in content["row"]["molecules"]:
        entry["best_rmsd"] = math.inf if entry["best_rmsd"] is None else entry["best_rmsd"]
        entry["diversity"] = math.nan if entry["diversity"] is None else entry["diversity"]
        molecules.append(CrystalMolecule(**entry))
    return CrystalRow(**{**content["row"], "molecules": molecules})


def save_row(path: Path, settings: dict[str, Any], row: CrystalRow) -> None:
    """Write a row; the file is there whole or not at all."""
    with complete_file(path) as file:
        json.dump(finite_or_none({"settings": _as_json(settings), "row": asdict(row)}), file)


def _as_json(settings: dict[str, Any]) -> Any:
    return json.loads(json.dumps(settings, default=str))


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()


def table_of(rows: Sequence[CrystalRow]) -> str:
    """Rows for a terminal, with the legend."""
    caution = (
        []
        if len({row.run_id for row in rows}) < 2
        else ["Rows of several runs: times compare only within one."]
    )
    return "\n".join([text_table(HEAD, [line(row) for row in rows], _UNITS), "", LEGEND, *caution])


def line(row: CrystalRow) -> list[str]:
    """Name, conformers and figures of one row, as shown."""
    figures = row.figures
    cells = [f"{figures[key] * factor:.{digits}f}" for key, _, _, digits, factor in _COLUMNS]
    return [row.name, str(row.num_conformers), *cells]


def share_figure(rows: Sequence[CrystalRow], farthest: float = 3.0) -> Figure:
    """Share of the molecules whose crystal conformer is found within a distance; failures are never found."""
    thresholds = np.linspace(0, farthest, 301)
    sizes = list(dict.fromkeys(row.num_conformers for row in rows))
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(4.8 * len(sizes), 3.9), layout="constrained")
        panels = figure.subplots(1, len(sizes), sharey=True, squeeze=False)[0]
        names = list(dict.fromkeys(row.name for row in rows))
        colours = dict(zip(names, METHOD_COLOURS * 4, strict=False))
        for axes, size in zip(panels, sizes, strict=True):
            for threshold in THRESHOLDS:
                axes.axvline(threshold, color=DATA_COLOUR, linewidth=0.7, zorder=0)
            for row in rows:
                if row.num_conformers == size:
                    share = 100 * (row.best_rmsd[None] < thresholds[:, None]).mean(axis=1)
                    axes.plot(thresholds, share, label=row.name, color=colours[row.name], linewidth=1.5)
            axes.set(xlim=(0, farthest), ylim=(0, 101), xlabel="RMSD to the crystal conformer / Å")
            axes.set_title(f"at most {counted(size, 'conformer')}")
            axes.legend(loc="lower right")
        panels[0].set_ylabel("molecules / %")
    return figure
