"""Conformers of the molecules that a command line names."""

from __future__ import annotations

import functools
import signal
import sys
from pathlib import Path

from _cli import DictConfig, use_threads
from _solver import build_solver
from tqdm import tqdm

from molediff.molecules.files.export import export_conformers
from molediff.molecules.files.io import read_fixed, read_inputs
from molediff.molecules.generator import ConformerGenerator


def sample(config: DictConfig, sources: list[str]) -> None:
    """Generate conformers of the molecules that the command line names and write them."""
    if not sources:
        raise ValueError(
            "no molecule given: name a SMILES or a file (.smi, .csv, .sdf), as in sample.py 'CCO'"
        )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that unfinished files are removed
    use_threads(config.threads)
    output = Path(config.output)
    status = output.with_name("status.csv") if config.status is None else Path(config.status)
    if clash := {Path(source).resolve() for source in sources} & {output.resolve(), status.resolve()}:
        raise ValueError(f"{clash.pop()} is an input and would be overwritten; name another output")
    inputs = read_inputs(sources, config.smiles_column)
    solver = build_solver(config)
    generator = ConformerGenerator.from_pretrained(config.weights, device=config.device)
    summary = export_conformers(
        tqdm(inputs, unit=" molecules", disable=not config.progress or None),
        functools.partial(
            generator.generate_many,
            num_conformers=config.num_conformers,
            seed=config.seed,
            solver=solver,
            num_steps=config.num_steps,
            grid=config.grid,
            batch_atoms=config.batch_atoms,
            max_attempts=config.max_attempts,
            relax=config.relax,
            energies=config.energies,
            prune_rmsd=config.prune_rmsd,
            rank=config.rank,
            energy_window=config.energy_window,
            fixed=None if config.fixed is None else read_fixed(config.fixed),
            timeout=config.timeout,
            num_workers=config.num_workers,
        ),
        output,
        status,
    )
    if summary.former_status is not None:
        print(
            f"the table that was in {status} is of another output: now in {summary.former_status}",
            file=sys.stderr,
        )
    for name, reason in summary.failures:
        print(f"{name}: {reason}", file=sys.stderr)
    counts = ", ".join(f"{count} {word}" for word, count in summary.num_inputs.items() if count)
    if summary.num_conformers == 0:
        print(f"no conformer: {output} is not written; molecules in {status}: {counts}")
        raise SystemExit(1)
    print(f"{summary.num_conformers} conformers in {output}; molecules in {status}: {counts}")
