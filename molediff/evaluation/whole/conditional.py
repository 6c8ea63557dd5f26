"""Have molecules the properties asked for? EDM's protocol (Hoogeboom et al. 2022, section 5.3), on graphs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rdkit import Chem

from molediff.evaluation.report.files import finite_or_none
from molediff.evaluation.report.text import markdown_table
from molediff.evaluation.whole.predictor import PropertyPredictor, codes_of, fit_predictor
from molediff.molecules.data.qm9 import QM9, load_qm9
from molediff.molecules.whole.generator import MoleculeGenerator
from molediff.molecules.whole.properties import PropertyScales
from molediff.runtime.checks import check_whole_number
from molediff.runtime.describe import describe_machine
from molediff.runtime.files import check_writable, write_bytes

EDM = {
    "polarizability": 2.76,
    "gap": 0.655,
    "homo": 0.356,
    "lumo": 0.584,
    "dipole_moment": 1.111,
    "heat_capacity": 1.101,
}
"""Mean absolute errors that EDM published (table 3), energies in eV."""

_EV = 27.211386
_HEAD = (
    "",
    "unit",
    "asked for at random",
    "asked for",
    "data",
    "EDM (published)",
    "graphs that are molecules, %",
)


def evaluate(
    output: str,
    weights: str,
    root: str,
    num_molecules: int,
    seed: int,
    guidance: float,
    num_fitted: int,
    num_passes: int,
    batch_size: int,
    device: str | None = None,
) -> None:
    """Ask for one property at a time, by its values in test molecules, and judge the graphs that come.

    Args:
        output: folder of metrics.json and table.md.
        weights, device: see `MoleculeGenerator.from_pretrained`.
        root: folder of the QM9 cache.
        num_molecules: for each property.
        seed: of the samples.
        guidance, batch_size: see `MoleculeGenerator.generate`.
        num_fitted: molecules of the first half of the training split, from which the judge learns.
        num_passes: of the judge over them.

    Raises:
        ValueError: a setting is out of range, or the weights know no properties.
        OSError: the folder cannot be written.
    """
    check_whole_number("num_molecules", num_molecules, least=2)
    check_writable(output)
    generator = MoleculeGenerator.from_pretrained(weights, device=device)
    known = generator.metadata.get("properties")
    if not known:
        raise ValueError(
            f"The weights {weights} know no properties: give some of experiment=qm9_graphs_properties."
        )
    qm9 = load_qm9(root)
    names = list(known["names"])
    scales = PropertyScales(tuple(names), np.array(known["mean"]), np.array(known["std"]))
    judge = _judge(qm9, scales, num_fitted, num_passes)
    asked = qm9.members("test")[:num_molecules]
    own = judge.predict([Chem.MolFromSmiles(qm9.dataset.smiles(i)) for i in asked])
    rows = {}
    for place, name in enumerate(names):
        values = qm9.properties[name][asked]
        results = list(
            generator.generate(
                len(asked),
                seed,
                properties={name: values.tolist()},
                guidance=guidance,
                with_shapes=False,
                batch_size=batch_size,
            )
        )
        made = [result for result in results if result.status == "ok" and result.mol is not None]
        found = judge.predict([result.mol for result in made if result.mol is not None])[:, place]
        wanted = scales.to_network({name: values})[:, place]
        errors = np.abs(wanted[[result.number for result in made]] - found)
        spread = scales.std[place] * (_EV if known["units"][place] == "Ha" else 1)
        others = np.random.default_rng(seed).permutation(len(asked))
        rows[name] = {
            "unit": "eV" if known["units"][place] == "Ha" else known["units"][place],
            "random": float(np.abs(wanted - own[others, place]).mean() * spread),
            "asked": float(errors.mean() * spread),
            "data": float(np.abs(wanted - own[:, place]).mean() * spread),
            "edm": EDM.get(name),
            "graphs": len(made) / len(asked),
            "evaluations": float(np.mean([result.num_evaluations for result in results])),
        }
        print(f"{name}: {rows[name]['asked']:.3f} {rows[name]['unit']} (EDM {EDM.get(name)})", flush=True)
    protocol = {
        "weights": weights,
        "molecules": len(asked),
        "guidance": guidance,
        "judge": f"{num_fitted} molecules, {num_passes} passes",
        **describe_machine(torch.get_num_threads()),
    }
    folder = Path(output)
    metrics = json.dumps(finite_or_none({"protocol": protocol, "rows": rows}), indent=2)
    write_bytes(folder / "metrics.json", f"{metrics}\n".encode())
    write_bytes(folder / "table.md", f"{markdown_table(_HEAD, _cells(rows))}\n".encode())


def _judge(qm9: QM9, scales: PropertyScales, num_fitted: int, num_passes: int) -> PropertyPredictor:
    train = qm9.members("train")
    chosen = train[: len(train) // 2][:num_fitted]
    codes = [codes_of(Chem.MolFromSmiles(qm9.dataset.smiles(i))) for i in chosen]
    values = scales.to_network({name: qm9.properties[name][chosen] for name in scales.names})
    return fit_predictor(codes, values, num_passes)


def _cells(rows: dict[str, dict[str, Any]]) -> Sequence[Sequence[str]]:
    return [
        [
            name,
            row["unit"],
            *("" if row[key] is None else f"{row[key]:.3f}" for key in ("random", "asked", "data", "edm")),
            f"{100 * row['graphs']:.1f}",
        ]
        for name, row in rows.items()
    ]
