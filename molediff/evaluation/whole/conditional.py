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
from molediff.runtime.cache import StaleCacheError, read_cache, write_cache
from molediff.runtime.checks import check_whole_number
from molediff.runtime.describe import describe_machine
from molediff.runtime.files import check_writable, write_bytes
from molediff.runtime.words import counted

EDM = {
    "polarizability": 2.76,
    "gap": 0.655,
    "homo": 0.356,
    "lumo": 0.584,
    "dipole_moment": 1.111,
    "heat_capacity": 1.101,
}
"""Mean absolute errors that EDM published (table 3), energies in eV."""

EDM_BY_SIZE = {
    "polarizability": 3.86,
    "gap": 0.866,
    "homo": 0.426,
    "lumo": 0.813,
    "dipole_moment": 1.053,
    "heat_capacity": 1.971,
}
"""Likewise of a guess by the number of atoms alone."""

_EV = 27.211386

# Rises with every change of what the judge sees or how it is fitted.
JUDGE_VERSION = 1


def evaluate(
    output: str,
    weights: str,
    root: str,
    num_molecules: int,
    seed: int,
    guidance: float | Sequence[float],
    num_fitted: int,
    num_passes: int,
    batch_size: int,
    device: str | None = None,
    properties: Sequence[str] | None = None,
) -> None:
    """Ask for one property at a time, by its values in test molecules, and judge the graphs that come.

    Args:
        output: folder of metrics.json and table.md.
        weights, device: see `MoleculeGenerator.from_pretrained`.
        root: folder of the QM9 cache, in which the judge is kept too.
        num_molecules: for each property.
        seed: of the samples.
        guidance: one or several; for batch_size too see `MoleculeGenerator.generate`.
        num_fitted: molecules of the first half of the training split, from which the judge learns.
        num_passes: of the judge over them.
        properties: names of those to ask for; None: all that the weights know.

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
    judge = load_judge(qm9, scales, num_fitted, num_passes, root)
    strengths = [float(w) for w in (guidance if isinstance(guidance, Sequence) else [guidance])]
    if not strengths:
        raise ValueError("guidance needs at least one value.")
    asked = qm9.members("test")[:num_molecules]
    own = judge.predict([Chem.MolFromSmiles(qm9.dataset.smiles(i)) for i in asked])
    rows: dict[str, dict[str, Any]] = {}
    if unknown := sorted({*(properties or ())} - {*names}):
        raise ValueError(f"The weights know no property {unknown[0]!r}; they know {', '.join(names)}.")
    for place, name in enumerate(names):
        if properties is not None and name not in properties:
            continue
        values = qm9.properties[name][asked]
        wanted = scales.to_network({name: values})[:, place]
        spread = scales.std[place] * (_EV if known["units"][place] == "Ha" else 1)
        others = np.random.default_rng(seed).permutation(len(asked))
        rows[name] = {
            "unit": "eV" if known["units"][place] == "Ha" else known["units"][place],
            "random": float(np.abs(wanted - own[others, place]).mean() * spread),
            "data": float(np.abs(wanted - own[:, place]).mean() * spread),
            "edm": EDM.get(name),
            "edm_by_size": EDM_BY_SIZE.get(name),
            "asked": {},
        }
        for strength in strengths:
            results = list(
                generator.generate(
                    len(asked),
                    seed,
                    properties={name: values.tolist()},
                    guidance=strength,
                    with_shapes=False,
                    batch_size=batch_size,
                )
            )
            made = [result for result in results if result.status == "ok" and result.mol is not None]
            found = judge.predict([result.mol for result in made if result.mol is not None])[:, place]
            errors = np.abs(wanted[[result.number for result in made]] - found)
            rows[name]["asked"][f"{strength:g}"] = {
                "error": float(errors.mean() * spread),
                "graphs": len(made) / len(asked),
                "unique": len({result.smiles for result in made}) / max(1, len(made)),
                "evaluations": float(np.mean([result.num_evaluations for result in results])),
            }
            print(f"{name}, guidance {strength:g}: {rows[name]['asked'][f'{strength:g}']}", flush=True)
    protocol = {
        "weights": weights,
        "molecules": len(asked),
        "guidance": strengths,
        "judge": f"{counted(num_fitted, 'molecule')}, {counted(num_passes, 'pass', 'passes')}",
        **describe_machine(torch.get_num_threads()),
    }
    folder = Path(output)
    metrics = json.dumps(finite_or_none({"protocol": protocol, "rows": rows}), indent=2)
    write_bytes(folder / "metrics.json", f"{metrics}\n".encode())
    table = markdown_table(_head(strengths), _cells(rows))
    write_bytes(folder / "table.md", f"{table}\n".encode())
    print(table)


def load_judge(
    qm9: QM9, scales: PropertyScales, num_fitted: int, num_passes: int, root: str | Path
) -> PropertyPredictor:
    """The judge of properties, fitted to molecules of the first half of the training split, or from the cache.

    Args:
        qm9: all molecules.
        scales: of the properties.
        num_fitted: molecules.
        num_passes: over them.
        root: folder of the cache.
    """
    train = qm9.members("train")
    chosen = train[: len(train) // 2][:num_fitted]
    key = {
        "version": JUDGE_VERSION,
        "names": list(scales.names),
        "scales": [f"{value:.6g}" for value in (*scales.mean, *scales.std)],
        "fitted": [len(chosen), len(train), num_passes],
    }
    path = Path(root) / "property_judge.safetensors"
    judge = PropertyPredictor(len(scales.names))
    try:
        arrays = read_cache(path, key)
    except StaleCacheError:
        codes = [codes_of(Chem.MolFromSmiles(qm9.dataset.smiles(i))) for i in chosen]
        values = scales.to_network({name: qm9.properties[name][chosen] for name in scales.names})
        judge = fit_predictor(codes, values, num_passes)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_cache(path, {name: tensor.numpy() for name, tensor in judge.state_dict().items()}, key)
        return judge
    judge.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return judge.eval()


def _head(strengths: Sequence[float]) -> list[str]:
    asked = [f"asked for, guidance {strength:g}" for strength in strengths]
    molecules = [f"molecules, guidance {strength:g}, %" for strength in strengths]
    return [
        "",
        "unit",
        "at random",
        *asked,
        "data",
        "EDM (published)",
        "number of atoms alone (published)",
        *molecules,
    ]


def _cells(rows: dict[str, dict[str, Any]]) -> list[list[str]]:
    return [
        [
            name,
            row["unit"],
            *(
                "" if value is None else f"{value:.3f}"
                for value in (
                    row["random"],
                    *(one["error"] for one in row["asked"].values()),
                    row["data"],
                    row["edm"],
                    row["edm_by_size"],
                )
            ),
            *(f"{100 * one['graphs']:.1f}" for one in row["asked"].values()),
        ]
        for name, row in rows.items()
    ]
