"""Whole molecules from a command's settings: draw them, and measure how good they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from rdkit import Chem

from molediff.evaluation.report.html import html_of_film, write_files
from molediff.evaluation.whole.evaluate import (
    WholeFigures,
    for_each,
    measure_generated,
    measure_mols,
    training_of,
)
from molediff.evaluation.whole.film import picture_of_grid, write_film
from molediff.evaluation.whole.page import DATA, first_lines, whole_metrics, whole_page, whole_text
from molediff.molecules.data.qm9 import load_qm9
from molediff.molecules.whole.generator import MoleculeGenerator
from molediff.molecules.whole.result import NewMolecule
from molediff.runtime.checks import check_whole_number
from molediff.runtime.describe import describe_machine
from molediff.runtime.extras import require
from molediff.runtime.files import check_writable


def evaluate(
    output: str,
    weights: str,
    shapes: str,
    root: str,
    num_molecules: int,
    seeds: Sequence[int],
    num_steps: Sequence[int | None],
    constrained: bool,
    order: str,
    min_probability: float,
    familiar: bool | None,
    num_training: int | None,
    num_reference: int,
    num_data: int,
    batch_size: int,
    num_relaxed: int = 0,
    num_posed: int = 0,
    fcd: bool | None = None,
    shape_steps: Sequence[int | None] = (None,),
    max_entropy: Sequence[float | None] = (None,),
    device: str | None = None,
) -> None:
    """Measure whole molecules beside data, and write the report, its figures and a film.

    Args:
        output: folder of report.html, metrics.json, table.md and film.gif.
        weights, shapes, device: see `MoleculeGenerator.from_pretrained`.
        root: folder of the QM9 cache, made at the first use.
        num_molecules: of each seed.
        seeds: of the samples; the first alone for all but the first of `num_steps`.
        num_steps: evaluations of the graph network at most, one row each; None: one for each entry.
        constrained, order, min_probability, familiar, batch_size: see `MoleculeGenerator.generate`.
        num_training: training molecules that novelty is asked against; None: all.
        num_reference: training molecules that distributions are held against.
        num_data: molecules of the test split in the row of data.
        num_relaxed: molecules of data and of the first seed for GFN2-xTB; 0 for none.
        num_posed: likewise for PoseBusters.
        fcd: tell the Frechet ChemNet distance; None: where the package `fcd` is installed.
        shape_steps: solver steps of the shapes, for each of `num_steps`, or one for all; None: what the weights say.
        max_entropy: likewise, see `MoleculeGenerator.generate`.

    Raises:
        ValueError: a setting is out of range.
        OSError: the folder cannot be written.
    """
    for name, value in (
        ("num_molecules", num_molecules),
        ("num_data", num_data),
        ("num_reference", num_reference),
    ):
        check_whole_number(name, value, least=1)
    if not seeds or not num_steps:
        raise ValueError("seeds and num_steps need at least one value each.")
    each_shape_steps = for_each("shape_steps", shape_steps, num_steps)
    each_entropy = for_each("max_entropy", max_entropy, num_steps)
    if fcd:
        require("fcd", "The Frechet ChemNet distance")
    with_features = find_spec("fcd") is not None if fcd is None else fcd
    check_writable(output)
    folder = Path(output)
    generator = MoleculeGenerator.from_pretrained(weights, device, shapes)
    qm9 = load_qm9(root)
    train, test = qm9.split("train"), qm9.split("test")
    known = len(train) if num_training is None else min(num_training, len(train))
    training = training_of(
        train.mol, known, num_reference, lambda line: print(line, flush=True), with_features
    )
    rows: dict[str, WholeFigures] = {
        DATA: measure_mols([test.mol(i) for i in range(min(num_data, len(test)))], training)
    }
    shown: list[NewMolecule] = []
    for place, steps in enumerate(num_steps):
        of_shapes, most = each_shape_steps[place], each_entropy[place]
        for seed in seeds if place == 0 else seeds[:1]:
            begun = time.process_time()
            results = list(
                generator.generate(
                    num_molecules,
                    seed,
                    num_steps=steps,
                    constrained=constrained,
                    order=order,
                    min_probability=min_probability,
                    familiar=familiar,
                    shape_steps=of_shapes,
                    max_entropy=most,
                    batch_size=batch_size,
                )
            )
            of_graphs = f"{steps or 'all'} steps" if most is None else f"{most:g} nats"
            name = f"{generator.weights}, {of_graphs}, seed {seed}"
            if of_shapes is not None:
                name += f", shapes in {of_shapes}"
            rows[name] = measure_generated(results, training, time.process_time() - begun)
            shown = shown or [result for result in results if result.status == "ok"]
            print(first_lines({name: rows[name]})[0], flush=True)
    protocol: dict[str, Any] = {
        "weights": weights,
        "shapes": shapes,
        "parameters": f"{sum(p.numel() for p in generator.model.parameters()) / 1e6:.2f} M for graphs",
        "constrained": constrained,
        "order": order,
        "familiar": shown[0].provenance.get("familiar", False) if shown else False,
        "training molecules": known,
        **({"least probability": min_probability} if min_probability else {}),
        **describe_machine(torch.get_num_threads()),
    }
    checked, found = _checked(shown, test.mol, num_posed, num_relaxed)
    first = next(row for name, row in rows.items() if name != DATA)
    pictures = {
        "film": _film(generator, folder, seeds[0]),
        "molecules": picture_of_grid([result.smiles for result in shown[:24]]),
        "unstable": picture_of_grid(list(first.unstable[:24])),
    }
    metrics_path, report_path = write_files(
        folder, {**whole_metrics(rows, protocol), **found}, whole_page(rows, protocol, pictures, checked)
    )
    (folder / "table.md").write_text(whole_text(rows, checked) + "\n", encoding="utf-8")
    print(f"{report_path}\n{metrics_path}")


def _checked(
    made: Sequence[NewMolecule], data: Callable[[int], Chem.Mol], num_posed: int, num_relaxed: int
) -> tuple[dict[str, list[str]], dict[str, Any]]:
    """Of as many generated molecules as of data: cells of a table, and figures; both empty if none are asked for."""
    if not num_posed and not num_relaxed:
        return {}, {}
    from molediff.evaluation.whole.physics import (  # seconds of start-up
        checked_cells,
        physics_of,
        plausibility_of,
    )

    generated = [result.mol for result in made[: max(num_posed, num_relaxed)] if result.mol is not None]
    cells, figures = {}, {}
    for name, mols in ((DATA, [data(i) for i in range(len(generated))]), ("generated", generated)):
        plausible = plausibility_of(mols[:num_posed]) if num_posed else None
        physics = physics_of(mols[:num_relaxed]) if num_relaxed else None
        cells[name] = checked_cells(plausible, physics)
        figures[name] = {
            key: asdict(one)
            for key, one in (("plausibility", plausible), ("physics", physics))
            if one is not None
        }
        print(f"{name}: {figures[name]}", flush=True)
    return cells, {"checked": figures}


def _film(generator: MoleculeGenerator, folder: Path, seed: int) -> str:
    made = [one for one in generator.generate(8, seed, trajectory=True, only_valid=True) if one.trajectory]
    # The one with the most letters, for there is more to see.
    largest = max(made, key=lambda one: len(one.smiles))
    write_film(largest, folder / "film.gif")
    return html_of_film((folder / "film.gif").read_bytes(), largest.smiles)
