"""The benchmark of MOSES (Polykovskiy et al. 2020): graphs of drug-like molecules beside its test molecules."""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rdkit import Chem, rdBase

from molediff.evaluation.report.files import finite_or_none
from molediff.evaluation.report.text import markdown_table
from molediff.evaluation.whole.evaluate import for_each
from molediff.evaluation.whole.metrics.frechet import Normal, chemnet_features, frechet_distance
from molediff.evaluation.whole.metrics.similarity import (
    fingerprints,
    internal_diversity,
    nearest_similarity,
)
from molediff.molecules.whole.generator import MoleculeGenerator
from molediff.molecules.whole.smiles_data import moses_file, read_smiles
from molediff.runtime.cache import StaleCacheError, read_cache, write_cache
from molediff.runtime.checks import check_whole_number
from molediff.runtime.describe import describe_machine
from molediff.runtime.files import check_writable, write_bytes

PUBLISHED = {
    "CharRNN (published)": (0.975, 1.0, 0.999, 0.073, 0.601, 0.856, 0.842),
    "AAE (published)": (0.937, 1.0, 0.997, 0.556, 0.608, 0.856, 0.793),
    "VAE (published)": (0.977, 1.0, 0.998, 0.099, 0.626, 0.856, 0.695),
    "JTN-VAE (published)": (1.0, 1.0, 0.9996, 0.395, 0.548, 0.855, 0.914),
}
"""Valid, unique of 1,000 and of 10,000, FCD, SNN, internal diversity and novelty, of 30,000 samples."""

_HEAD = (
    "", "samples", "valid, %", "unique@1k, %", "unique@10k, %", "FCD", "SNN", "internal diversity", "novel, %",
    "evaluations", "s a molecule",
)  # fmt: skip


@dataclass(frozen=True)
class MosesFigures:
    """Of one set of molecules, by MOSES's definitions.

    Attributes:
        num_samples: samples, failures included.
        valid: share of the samples that RDKit reads; what follows is of these.
        unique_1k, unique_10k: share of different ones among the first 1,000 and 10,000, or as many as there are.
        fcd: Frechet ChemNet distance from the test molecules.
        snn: mean similarity to the nearest test molecule.
        diversity: internal diversity.
        novel: share of the different ones that is not in the training molecules.
        evaluations: of the network, a sample.
        seconds: of the processor, a sample.
        faults: of the samples, by fault.
    """

    num_samples: int
    valid: float
    unique_1k: float
    unique_10k: float
    fcd: float
    snn: float
    diversity: float
    novel: float
    evaluations: float = 0.0
    seconds: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class MosesData:
    """What samples are held against.

    Attributes:
        train: SMILES of the training molecules.
        features: of ChemNet, of the test molecules.
        test: fingerprints of the test molecules.
    """

    train: frozenset[str]
    features: Normal
    test: Sequence[Any]


def measure(
    smiles: Sequence[str], num_samples: int, data: MosesData, num_compared: int | None = None, **more: Any
) -> MosesFigures:
    """Measure the valid ones among `num_samples` samples.

    Args:
        smiles: canonical SMILES of the valid ones, in the order of the samples.
        num_samples: how many samples there are, failures included.
        data: what to hold them against.
        num_compared: of them, for SNN and diversity; None: all.
        **more: further figures.
    """
    if len(smiles) < 2:
        raise ValueError("Fewer than two samples are valid: there is nothing to measure.")
    compared = fingerprints(Chem.MolFromSmiles(text) for text in smiles[:num_compared])
    different = set(smiles)
    return MosesFigures(
        num_samples,
        len(smiles) / num_samples,
        _unique(smiles[:1000]),
        _unique(smiles[:10_000]),
        frechet_distance(Normal.of(chemnet_features(smiles)), data.features),
        nearest_similarity(compared, data.test),
        internal_diversity(compared),
        len(different - data.train) / len(different),
        **more,
    )


def _unique(smiles: Sequence[str]) -> float:
    return len(set(smiles)) / len(smiles)


def load_data(
    root: str | Path, num_test: int | None, progress: Callable[[str], None] = lambda line: None
) -> MosesData:
    """MOSES's training and test molecules, the features of the test molecules from the cache if they are in it.

    Args:
        root: folder of the cache.
        num_test: test molecules to hold samples against, spread over all; None: all.
        progress: told what takes minutes.
    """
    smiles = read_smiles(moses_file("test"))
    if num_test is not None and num_test < len(smiles):
        smiles = [smiles[i] for i in np.linspace(0, len(smiles) - 1, num_test).astype(int)]
    key = {"version": 1, "molecules": hashlib.sha256("\n".join(smiles).encode()).hexdigest()}
    path = Path(root) / "moses_test_features.safetensors"
    try:
        arrays = read_cache(path, key)
    except StaleCacheError as error:
        progress(f"features of {len(smiles)} test molecules: {error}")
        found = Normal.of(chemnet_features(smiles))
        arrays = {"mean": found.mean, "covariance": found.covariance}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_cache(path, arrays, key)
    with rdBase.BlockLogs():
        prints = fingerprints(Chem.MolFromSmiles(text) for text in smiles)
    # As they are: RDKit 2026.9 writes 99.95 % of them the same way.
    train = frozenset(read_smiles(moses_file("train")))
    return MosesData(train, Normal(arrays["mean"], arrays["covariance"]), prints)


def evaluate(
    output: str,
    weights: str,
    root: str,
    num_molecules: int,
    seed: int,
    num_steps: Sequence[int | None],
    familiar: bool | None,
    order: str,
    max_entropy: Sequence[float | None],
    num_test: int | None,
    num_compared: int | None,
    batch_size: int,
    device: str | None = None,
) -> None:
    """Measure graphs by the benchmark of MOSES, and write its table.

    Args:
        output: folder of metrics.json, table.md and samples.smi.
        weights, device: see `MoleculeGenerator.from_pretrained`.
        root: folder of the cache.
        num_molecules: samples of each row.
        seed: of the samples.
        num_steps: evaluations of the graph network at most, one row each; None: one for each entry.
        familiar, order, batch_size: see `MoleculeGenerator.generate`.
        max_entropy: likewise, for each of `num_steps`, or one for all.
        num_test: test molecules to hold samples against; None: all.
        num_compared: samples for SNN and diversity; None: all.

    Raises:
        ValueError: a setting is out of range.
        OSError: the folder cannot be written.
    """
    check_whole_number("num_molecules", num_molecules, least=2)
    for_each("max_entropy", max_entropy, num_steps)
    check_writable(output)
    folder = Path(output)
    generator = MoleculeGenerator.from_pretrained(weights, device=device)
    data = load_data(root, num_test, lambda line: print(line, flush=True))
    # Held out from no one: training molecules themselves, as many as samples, are the best there can be.
    train = sorted(data.train)
    chosen = np.random.default_rng(seed).permutation(len(train))[:num_molecules]
    rows = {"training molecules": measure([train[i] for i in chosen], len(chosen), data, num_compared)}
    for place, (steps, most) in enumerate(
        zip(num_steps, for_each("max_entropy", max_entropy, num_steps), strict=True)
    ):
        begun = time.process_time()
        results = list(
            generator.generate(
                num_molecules,
                seed,
                num_steps=steps,
                familiar=familiar,
                order=order,
                max_entropy=most,
                with_shapes=False,
                batch_size=batch_size,
            )
        )
        seconds = (time.process_time() - begun) / num_molecules
        valid = [result.smiles for result in results if result.mol is not None]
        name = f"{generator.weights}, {steps or 'all'} steps"
        rows[name if most is None else f"{generator.weights}, {most:g} nats"] = measure(
            valid,
            num_molecules,
            data,
            num_compared,
            evaluations=sum(result.num_evaluations for result in results) / num_molecules,
            seconds=seconds,
            faults=dict(Counter(result.fault for result in results if result.fault)),
        )
        print(markdown_table(_HEAD, cells(rows)[-1:]), flush=True)
        if place == 0:
            write_bytes(folder / "samples.smi", "".join(f"{text}\n" for text in valid).encode())
    protocol = {
        "weights": weights,
        "familiar": familiar,
        "order": order,
        "test molecules": len(data.test),
        "compared": num_compared,
        **describe_machine(torch.get_num_threads()),
    }
    found = {"protocol": protocol, "rows": {name: finite_or_none(asdict(row)) for name, row in rows.items()}}
    write_bytes(folder / "metrics.json", f"{json.dumps(found, indent=2)}\n".encode())
    published = [[name, "30,000", *_shares(row), "", ""] for name, row in PUBLISHED.items()]
    write_bytes(folder / "table.md", f"{markdown_table(_HEAD, [*cells(rows), *published])}\n".encode())
    print(folder / "table.md")


def cells(rows: dict[str, MosesFigures]) -> list[list[str]]:
    """Cells of the table."""
    return [
        [
            name,
            f"{row.num_samples:,}",
            *_shares((row.valid, row.unique_1k, row.unique_10k, row.fcd, row.snn, row.diversity, row.novel)),
            f"{row.evaluations:.0f}" if row.evaluations else "",
            f"{row.seconds:.3f}" if row.seconds else "",
        ]
        for name, row in rows.items()
    ]


def _shares(figures: Sequence[float]) -> list[str]:
    valid, unique_1k, unique_10k, fcd, snn, diversity, novel = figures
    shares = [f"{100 * share:.1f}" for share in (valid, unique_1k, unique_10k)]
    return [*shares, f"{fcd:.3f}", f"{snn:.3f}", f"{diversity:.3f}", f"{100 * novel:.1f}"]
