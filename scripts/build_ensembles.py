"""GFN2-xTB ensembles: `python scripts/build_ensembles.py num_molecules=4`. Keys: configs/build_ensembles.yaml."""

import signal
import sys
from pathlib import Path

from _cli import DictConfig, command
from hydra.utils import instantiate
from tqdm import tqdm

from molediff.molecules.data.qm9 import load_qm9
from molediff.molecules.energies.xtb import require_tblite
from molediff.molecules.ensembles.records import (
    EnsembleRecords,
    check_completeness,
    run_tasks,
    write_ensembles,
)
from molediff.molecules.ensembles.tasks import draw_tasks, own_tasks
from molediff.molecules.files.io import read_inputs


@command("build_ensembles", takes_arguments=True)
def main(config: DictConfig, sources: list[str]) -> None:
    """Build the ensembles that the records lack, and write all of them."""
    require_tblite()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the processes end too
    output, recipe = Path(config.output), instantiate(config.recipe)
    if not output.name.endswith((".sdf", ".sdf.gz")):
        raise ValueError(f"ensembles are written as .sdf or .sdf.gz, not as '{output}'")
    if sources:
        tasks, refused = own_tasks(read_inputs(sources, config.smiles_column))
    else:
        qm9 = load_qm9(config.root, progress=config.progress)
        tasks, refused = draw_tasks(qm9, config.split, config.num_molecules, config.draw_seed), []
    for sentence in refused:
        print(sentence, file=sys.stderr)
    path = config.records or Path("outputs", "ensembles", f"{output.name.removesuffix('.gz')}.jsonl")
    records = EnsembleRecords(path, recipe)
    with tqdm(total=len(tasks), unit=" molecules", disable=not config.progress or None) as bar:
        bar.update(sum(records.settles(task) for task in tasks))
        for record in run_tasks(
            tasks, records, recipe, config.num_processes, config.seconds_each, config.retry_failed
        ):
            bar.update()
            tqdm.write(record.line())
    chosen = [records.records[task.name] for task in tasks]
    failed = [record for record in chosen if record.reason]
    for record in failed:
        print(record.line(), file=sys.stderr)
    if len(failed) == len(chosen):
        print(f"no ensemble: {output} is not written")
        raise SystemExit(1)
    write_ensembles(output, chosen, {"method": "GFN2-xTB", "recipe": recipe})
    found, seconds = check_completeness(chosen), sum(record.seconds for record in chosen)
    print(
        f"{sum(len(record.energies) for record in chosen)} conformers of {found.num_molecules} molecules in {output} "
        f"({output.stat().st_size / 1e6:.2f} MB), {len(failed)} failed; {seconds:.0f} s, "
        f"{seconds / max(len(chosen), 1):.1f} s a molecule\n"
        f"The last doubling of the seeds: {found.num_low_by_half} to {found.num_low} minima within "
        f"2.5 kcal/mol ({100 * found.growth:+.1f} %), in {found.num_changed} molecules; starts without the force "
        f"field: {found.num_low_direct} more"
    )


if __name__ == "__main__":
    main()
