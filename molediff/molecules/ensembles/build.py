"""A whole run of ensembles: which molecules, their minima, one file of all."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from molediff.molecules.data.qm9 import load_qm9
from molediff.molecules.energies.aimnet2_model import read_model
from molediff.molecules.energies.relax import METHODS
from molediff.molecules.energies.xtb import require_tblite
from molediff.molecules.ensembles.recipe import Recipe
from molediff.molecules.ensembles.records import (
    EnsembleRecords,
    check_completeness,
    run_tasks,
    write_ensembles,
)
from molediff.molecules.ensembles.tasks import draw_tasks, own_tasks
from molediff.molecules.files.ensembles import as_ensembles
from molediff.molecules.files.io import read_inputs
from molediff.runtime.progress import tqdm
from molediff.runtime.words import counted


class Built(NamedTuple):
    """How many molecules have an ensemble, and how many have none."""

    num_done: int
    num_failed: int


def build_ensembles(
    sources: Sequence[str],
    output: str,
    records: str | None,
    root: str,
    split: str,
    num_molecules: int,
    draw_seed: int,
    smiles_column: str,
    recipe: Recipe,
    num_processes: int,
    seconds_each: float | None,
    retry_failed: bool,
    progress: bool = False,
    method: str | None = None,
) -> Built:
    """Build the ensembles that the records lack, and write all of them.

    Args:
        sources: SMILES, and files of molecules; without any, molecules of QM9 are drawn.
        output: `.sdf` or `.sdf.gz`, written when all molecules are done.
        records: `.jsonl` that grows by a line a molecule; None takes outputs/ensembles/<name of output>.jsonl.
        root: folder of the QM9 cache.
        split, num_molecules, draw_seed: see `draw_tasks`.
        smiles_column: header of the SMILES in .csv files.
        recipe, num_processes, seconds_each, retry_failed: see `run_tasks`.
        progress: a bar on stderr.
        method: whose minima count, instead of what the recipe says.

    Raises:
        ValueError: the output has another suffix, or the records are of another recipe.
        OSError: a file cannot be read or written.
        ImportError: the method of the recipe is not installed.
    """
    recipe = replace(recipe, method=method) if method else recipe
    if recipe.method == "gfn2":
        require_tblite()
    else:
        read_model()
    file = Path(output)
    if not file.name.endswith((".sdf", ".sdf.gz")):
        raise ValueError(f"ensembles are written as .sdf or .sdf.gz, not as '{output}'")
    if sources:
        tasks, refused = own_tasks(as_ensembles(read_inputs(sources, smiles_column)))
    else:
        tasks, refused = draw_tasks(load_qm9(root, progress=progress), split, num_molecules, draw_seed), []
    for sentence in refused:
        print(sentence, file=sys.stderr)
    path = records or Path("outputs", "ensembles", f"{file.name.removesuffix('.gz')}.jsonl")
    kept = EnsembleRecords(path, recipe)
    with tqdm(total=len(tasks), unit=" molecules", disable=not progress or None) as bar:
        bar.update(sum(kept.settles(task) for task in tasks))
        for record in run_tasks(tasks, kept, recipe, num_processes, seconds_each, retry_failed):
            bar.update()
            tqdm.write(record.line())
    chosen = [kept.records[task.name] for task in tasks]
    failed = [record for record in chosen if record.reason]
    for record in failed:
        print(record.line(), file=sys.stderr)
    if len(failed) == len(chosen):
        print(f"no ensemble: {output} is not written")
        return Built(0, len(failed) + len(refused))
    write_ensembles(output, chosen, {"method": METHODS[recipe.method], "recipe": recipe})
    found, seconds = check_completeness(chosen), sum(record.seconds for record in chosen)
    print(
        f"{counted(sum(len(record.energies) for record in chosen), 'conformer')} of "
        f"{counted(found.num_molecules, 'molecule')} in {output} "
        f"({file.stat().st_size / 1e6:.2f} MB), {len(failed)} failed; {seconds:.0f} s, "
        f"{seconds / max(len(chosen), 1):.1f} s a molecule\n"
        f"The last doubling of the seeds: {found.num_low_by_half} to {found.num_low} minima within "
        f"2.5 kcal/mol ({100 * found.growth:+.1f} %), in {counted(found.num_changed, 'molecule')}; starts without the "
        f"force field: {found.num_low_direct} more"
    )
    return Built(len(chosen) - len(failed), len(failed) + len(refused))
