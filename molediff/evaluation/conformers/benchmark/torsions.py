"""`benchmark=torsions`: what a prior of torsions knows of molecules that it has not seen."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from rdkit import Chem

from molediff.evaluation.report.files import write_figure
from molediff.evaluation.report.style import FIGURE_STYLE
from molediff.evaluation.report.text import text_table
from molediff.molecules.data.torsion_batches import held_out_torsions
from molediff.molecules.graph.graph import mol_to_graph
from molediff.molecules.graph.vocabulary import ORGANIC
from molediff.molecules.torsion_prior import SOURCES, torsion_distribution
from molediff.networks.pretrained import load_torsion_prior
from molediff.networks.torsion_batch import NUM_BINS, TorsionBatch
from molediff.networks.torsion_prior import TorsionLogits, TorsionPrior
from molediff.runtime.files import complete_file
from molediff.training.torsions import bin_of, log_probabilities

_HEAD = ["torsions", "number", "by themselves", "others known"]
_UNITS = ["", "", "nats", "nats"]
_LEGEND = (
    "Mean log-probability of the bin of 5° in which a torsion was measured, above that of an even circle, of molecules "
    "held out from training: by itself, and where the others of its conformer are known."
)


def measure(folder: str, weights: str, torsions: str, pictured: str, most_pairs: int) -> dict[str, Any]:
    """Run what `configs/benchmark/torsions.yaml` asks for: a table, a picture, and the figures."""
    torch.set_num_threads(1)
    prior = load_torsion_prior(weights).eval().requires_grad_(False)
    sources, alone, given, information = _held_out(prior, torsions, most_pairs)
    found: dict[str, Any] = {"weights": str(weights), "sources": {}, "information": {}}
    rows = []
    for name, number in SOURCES.items():
        own = sources == number
        if not own.any():
            continue
        gains = [math.log(NUM_BINS) + float(one[own].mean()) for one in (alone, given)]
        found["sources"][name] = {
            "torsions": int(own.sum()),
            "gain": gains[0],
            "gain_given_others": gains[1],
        }
        rows.append([name, str(int(own.sum())), *(f"{gain:.3f}" for gain in gains)])
        found["information"][name] = information[name]
    print(f"{text_table(_HEAD, rows, _UNITS)}\n\n{_LEGEND}")
    for name, of_distance in information.items():
        shares = ", ".join(f"{value:.3f} at {bonds}" for bonds, value in of_distance.items())
        print(
            f"{name}: mean information of coupled bonds on each other, in nats, by bonds between them: {shares}"
        )
    write_figure(law_figure(prior, pictured), Path(folder, "torsions.png"))
    with complete_file(Path(folder) / "figures.json") as file:
        json.dump(found, file, indent=1)
    return found


def _held_out(
    prior: TorsionPrior, path: str, most_pairs: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, dict[int, float]]]:
    """Sources and both log-probabilities of all torsions, and the information of pairs by source and distance."""
    measured_of: list[torch.Tensor] = []
    pairs_of: list[torch.Tensor] = []
    with torch.inference_mode():
        for measured, torsions in _batches(path, most_pairs):
            logits = prior(torsions)
            logs = log_probabilities(logits, measured)
            places = bin_of(measured[:, 0])[:, None]
            both = [one.gather(1, places)[:, 0] for one in (logs[0], logs[-1])]
            measured_of.append(torch.stack([torsions.source.float(), *both]))
            if logits.couplings is not None:
                pairs = logits.couplings.pairs
                bonds = torsions.pair_distances(pairs.first, pairs.second).amin((1, 2))
                information = mutual_information(pair_laws(logits, measured[:, 1:]))
                pairs_of.append(
                    torch.stack([torsions.source[pairs.first].float(), bonds.float(), information])
                )
    sources, alone, given = torch.cat(measured_of, dim=1).numpy()
    source, apart, each = torch.cat(pairs_of, dim=1).numpy() if pairs_of else np.zeros((3, 0))
    by_distance = {
        name: {
            int(one): float(each[(source == number) & (apart == one)].mean())
            for one in np.unique(apart[source == number])
        }
        for name, number in SOURCES.items()
    }
    return sources, alone, given, by_distance


def _batches(path: str, most_pairs: int) -> Iterator[tuple[torch.Tensor, TorsionBatch]]:
    data = held_out_torsions(path)
    order, begin = np.argsort(data.num_atoms, kind="stable"), 0
    while begin < len(order):
        end = begin + 1
        while end < len(order) and (end + 1 - begin) * data.num_atoms[order[end]] ** 2 <= most_pairs:
            end += 1
        measured, torsions, _ = data.batch(order[begin:end])
        yield measured, torsions
        begin = end


def pair_laws(logits: TorsionLogits, hands: torch.Tensor) -> torch.Tensor:
    """Laws of the pairs that are coupled, as if they were alone, shape (P, NUM_BINS, NUM_BINS); hands (T, 2)."""
    assert logits.couplings is not None
    pairs, fields = logits.couplings.pairs, logits.among_others().of_hands(hands)
    energies = fields[pairs.first, :, None] + fields[pairs.second, None] + logits.couplings.tables(hands)
    return energies.flatten(1).softmax(-1).unflatten(1, (NUM_BINS, NUM_BINS))


def mutual_information(laws: torch.Tensor) -> torch.Tensor:
    """What one of two torsions tells of the other, in nats, shape (P,), for laws (P, NUM_BINS, NUM_BINS)."""
    free = laws.sum(2, keepdim=True) * laws.sum(1, keepdim=True)
    return (laws * (laws.clamp_min(1e-30) / free.clamp_min(1e-30)).log()).sum((1, 2))


def law_figure(prior: TorsionPrior, smiles: str) -> Figure:
    """The law of two torsions that are coupled, beside what it would be if they were free of each other."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    graph = mol_to_graph(mol, None, ORGANIC)
    with matplotlib.rc_context(FIGURE_STYLE):
        figure = Figure(figsize=(7.2, 6.4), layout="constrained")
        axes = figure.subplots(2, 2, sharex=True, sharey=True)
        for row, (name, number) in zip(axes, SOURCES.items(), strict=True):
            logits = torsion_distribution(prior, mol, graph, number).logits
            if logits.couplings is None or not len(logits.couplings.pairs.first):
                raise ValueError(f"No two rotatable bonds of {smiles} are coupled by these weights.")
            hands = torch.zeros(len(logits.even), 2)
            first, second = (int(part[0]) for part in logits.couplings.pairs[:2])
            alone = logits.of_hands(hands).softmax(-1)
            free, coupled = alone[first, :, None] * alone[second], pair_laws(logits, hands)[0]
            shade = PowerNorm(0.5, 0, float(max(free.max(), coupled.max())))
            for panel, law, title in ((row[0], free, "free of each other"), (row[1], coupled, "coupled")):
                from_zero = law.roll((NUM_BINS // 2, NUM_BINS // 2), (0, 1)).T.numpy()
                panel.imshow(from_zero, norm=shade, cmap="magma_r", origin="lower", extent=(0, 360, 0, 360))
                panel.set(title=f"{name}: {title}", xticks=range(0, 361, 60), yticks=range(0, 361, 60))
                panel.grid(False)
        figure.supxlabel("one torsion / °")
        figure.supylabel("its neighbour / °")
        figure.suptitle(smiles)
    return figure
