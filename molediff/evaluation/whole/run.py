"""Whole molecules from a command's settings: draw them, and measure how good they are."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rdkit import Chem

from molediff.evaluation.report.html import html_of_film, write_files
from molediff.evaluation.whole.evaluate import WholeFigures, measure_generated, measure_mols, training_of
from molediff.evaluation.whole.film import picture_of_grid, write_film
from molediff.evaluation.whole.page import DATA, first_lines, whole_metrics, whole_page, whole_text
from molediff.molecules.data.qm9 import load_qm9
from molediff.molecules.whole.generator import MoleculeGenerator
from molediff.molecules.whole.result import NewMolecule
from molediff.runtime.checks import check_whole_number
from molediff.runtime.describe import describe_machine
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
    check_writable(output)
    folder = Path(output)
    generator = MoleculeGenerator.from_pretrained(weights, device, shapes)
    qm9 = load_qm9(root)
    train, test = qm9.split("train"), qm9.split("test")
    known = len(train) if num_training is None else min(num_training, len(train))
    training = training_of(train.mol, known, num_reference, lambda line: print(line, flush=True))
    rows: dict[str, WholeFigures] = {
        DATA: measure_mols([test.mol(i) for i in range(min(num_data, len(test)))], training)
    }
    shown: list[NewMolecule] = []
    for place, steps in enumerate(num_steps):
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
                    batch_size=batch_size,
                )
            )
            name = f"{generator.weights}, {steps or 'all'} steps, seed {seed}"
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
    physics = _physics(shown, [test.mol(i) for i in range(min(num_relaxed, len(test)))])
    first = next(row for name, row in rows.items() if name != DATA)
    pictures = {
        "film": _film(generator, folder, seeds[0]),
        "molecules": picture_of_grid([result.smiles for result in shown[:24]]),
        "unstable": picture_of_grid(list(first.unstable[:24])),
    }
    metrics_path, report_path = write_files(
        folder, {**whole_metrics(rows, protocol), **physics}, whole_page(rows, protocol, pictures)
    )
    (folder / "table.md").write_text(whole_text(rows) + "\n", encoding="utf-8")
    print(f"{report_path}\n{metrics_path}")


def _physics(made: Sequence[NewMolecule], data: Sequence[Chem.Mol]) -> dict[str, Any]:
    """Of as many generated molecules as there are of data."""
    if not data:
        return {}
    from molediff.evaluation.whole.physics import physics_line, physics_of  # seconds of start-up

    mols = [result.mol for result in made[: len(data)] if result.mol is not None]
    found = {DATA: physics_of(data), "generated": physics_of(mols)}
    print("\n".join(physics_line(name, one) for name, one in found.items()), flush=True)
    return {"physics": {name: asdict(one) for name, one in found.items()}}


def _film(generator: MoleculeGenerator, folder: Path, seed: int) -> str:
    made = [one for one in generator.generate(8, seed, trajectory=True, only_valid=True) if one.trajectory]
    # The one with the most letters, for there is more to see.
    largest = max(made, key=lambda one: len(one.smiles))
    write_film(largest, folder / "film.gif")
    return html_of_film((folder / "film.gif").read_bytes(), largest.smiles)
