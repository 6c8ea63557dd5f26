"""`molediff conformers`: conformers of molecules, into a file."""

from __future__ import annotations

from typing import Annotated, Any

from typer import Argument, Context, Exit, Option

from molediff.commands.options import (
    GRID,
    SOLVER,
    Column,
    Device,
    Eta,
    Json,
    Overwrite,
    Quiet,
    Seed,
    Threads,
    in_files,
    in_machine,
    in_sampling,
)


def in_which(*names: str, **settings: Any) -> Any:
    """An option of which conformers."""
    return Option(*names, rich_help_panel="Which conformers", **settings)


def in_done(*names: str, **settings: Any) -> Any:
    """An option of what is done with them."""
    return Option(*names, rich_help_panel="What is done with them", **settings)


Molecules = Annotated[
    list[str],
    Argument(
        metavar="MOLECULE",
        help="SMILES or InChI, files (.smi .inchi .csv .tsv .sdf .sd .mol .mol2 .pdb .xyz .parquet, also .gz), "
        "- for standard input.",
        show_default=False,
    ),
]
Number = Annotated[int, in_which("--num-conformers", "-n", min=1, metavar="N", help="Of each molecule.")]
Output = Annotated[
    str,
    in_files(
        "--output",
        "-o",
        metavar="FILE",
        help=".sdf, .sdf.gz, .xyz, .pdb, .parquet or .npz; - writes SDF to standard output.",
    ),
]
Status = Annotated[
    str | None,
    in_files(
        "--status",
        metavar="FILE.csv",
        help="Table with one row for every input. Default: OUTPUT.status.csv, where something failed.",
    ),
]
Report = Annotated[
    str | None, in_files("--report", metavar="FILE.html", help="Also a page with pictures and checks.")
]
Preset = Annotated[
    str | None,
    in_which(
        "--preset",
        metavar="crystal|minima",
        help="crystal: for docking, stand for all shapes; minima: near minima, by energy. Other options go before.",
    ),
]
Weights = Annotated[
    str,
    in_sampling(
        "--weights",
        metavar="NAME",
        help="auto (what knows the molecule), qm9, qm9_distilled, qm9_fast, qm9_b3lyp, drugs, or a .safetensors file.",
    ),
]
Solver = Annotated[str | None, SOLVER]
Steps = Annotated[
    int | None, in_sampling("--num-steps", min=1, metavar="N", help="Fewer is faster, more is more exact.")
]
Grid = Annotated[str | None, GRID]
Init = Annotated[
    str | None,
    in_sampling(
        "--init",
        metavar="minima|crystal|etkdg|given",
        help="Of drugs: what it begins with, torsions of minima or crystals, or conformers of ETKDGv3 or of a file.",
    ),
]
Attempts = Annotated[
    int, in_sampling("--max-attempts", min=1, metavar="N", help="Samples drawn for one conformer.")
]
Strict = Annotated[bool, in_which("--strict", help="Refuse molecules unlike those trained on.")]
LargestFragment = Annotated[bool, in_which("--largest-fragment", help="Of a salt, the largest molecule.")]
MaxAtoms = Annotated[
    int | None,
    in_which(
        "--max-atoms",
        min=1,
        metavar="N",
        help="Refuse larger molecules, hydrogens counted. Default: 160, of qm9 and its students 64; untested beyond.",
    ),
]
Fixed = Annotated[
    str | None,
    in_which(
        "--fixed",
        metavar="FILE",
        help="Substructure (.sdf, .mol) that keeps its coordinates in every conformer.",
    ),
]
Relax = Annotated[
    str | None, in_done("--relax", metavar="mmff|gfn2|aimnet2", help="Move each to its next minimum.")
]
Energies = Annotated[
    str | None, in_done("--energies", metavar="mmff|gfn2|aimnet2|learned", help="Store the energy of each.")
]
Rank = Annotated[bool, in_done("--rank", help="Write them by increasing energy.")]
Window = Annotated[
    float | None,
    in_done("--energy-window", metavar="E", help="Leave out what is E kcal/mol above the lowest."),
]
Prune = Annotated[
    float | None, in_done("--prune-rmsd", metavar="D", help="Leave out what is within D Angstrom of another.")
]
PruneEnergy = Annotated[
    float | None,
    in_done("--prune-energy", metavar="E", help="... only if it is within E kcal/mol of it, too."),
]
Pool = Annotated[int | None, in_done("--pool", min=1, metavar="N", help="Draw N, and choose from them.")]
Select = Annotated[
    str | None,
    in_done(
        "--select",
        metavar="spread|coverage|energy",
        help="Choose what lies far apart, near all others, or low.",
    ),
]
Timeout = Annotated[float | None, in_machine("--timeout", metavar="S", help="Most seconds for a molecule.")]
Workers = Annotated[
    int, in_machine("--workers", min=1, metavar="N", help="Processes; worth it from some hundred conformers.")
]
Shard = Annotated[
    str | None,
    in_machine(
        "--shard",
        metavar="I/N",
        help="Part I of N of the inputs, for array jobs; molediff merge makes one file of all.",
    ),
]
Engine = Annotated[
    str,
    in_machine(
        "--engine",
        metavar="local|ray",
        help="ray: the processes of a Ray cluster (RAY_ADDRESS), into a folder of Parquet files.",
    ),
]
Batch = Annotated[
    int | None,
    in_machine(
        "--batch-atoms",
        min=1,
        metavar="N",
        help="Atoms at a time; bounds memory. Default: what suits the device.",
    ),
]

EXAMPLES = """\
Examples:
  molediff conformers 'C[C@H](O)C(N)=O' -n 20 -o out.sdf
  molediff conformers molecules.smi more.csv.gz -n 50 --preset crystal --workers 4 -o out.sdf.gz
  cat molecules.smi | molediff conformers - -n 5 -o - | gzip > out.sdf.gz

Quote SMILES by '...' and the shell leaves them alone. A word that ends like a file is a file; any other is a
SMILES or an InChI.
Exit code: 0 all right, 6 some molecules failed, 7 all failed; molediff --help has the others."""


def conformers(
    ctx: Context,
    molecules: Molecules,
    num_conformers: Number = 10,
    seed: Seed = 0,
    preset: Preset = None,
    fixed: Fixed = None,
    strict: Strict = False,
    largest_fragment: LargestFragment = False,
    max_atoms: MaxAtoms = None,
    output: Output = "conformers.sdf",
    overwrite: Overwrite = False,
    report: Report = None,
    status: Status = None,
    smiles_column: Column = "smiles",
    weights: Weights = "auto",
    solver: Solver = None,
    num_steps: Steps = None,
    eta: Eta = None,
    grid: Grid = None,
    init: Init = None,
    relax: Relax = None,
    energies: Energies = None,
    prune_rmsd: Prune = None,
    rank: Rank = False,
    energy_window: Window = None,
    pool: Pool = None,
    select: Select = None,
    prune_energy: PruneEnergy = None,
    batch_atoms: Batch = None,
    max_attempts: Attempts = 5,
    timeout: Timeout = None,
    workers: Workers = 1,
    shard: Shard = None,
    engine: Engine = "local",
    device: Device = None,
    threads: Threads = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw conformers of molecules, check every one of them, and write them."""
    from molediff.commands.draw import Draw
    from molediff.commands.words import options_of

    settings = {
        "solver": solver,
        "num_steps": num_steps,
        "eta": eta,
        "grid": grid,
        "init": init,
        "relax": relax,
        "energies": energies,
        "prune_rmsd": prune_rmsd,
        "rank": rank,
        "energy_window": energy_window,
        "pool": pool,
        "select": select,
        "prune_energy": prune_energy,
        "batch_atoms": batch_atoms,
        "max_attempts": max_attempts,
        "timeout": timeout,
        "num_workers": workers,
    }
    draw = Draw(
        molecules=molecules,
        num_conformers=num_conformers,
        seed=seed,
        output=output,
        status=status,
        report=report,
        overwrite=overwrite,
        smiles_column=smiles_column,
        preset=preset,
        fixed=fixed,
        strict=strict,
        largest_fragment=largest_fragment,
        max_atoms=max_atoms,
        weights=weights,
        device=device,
        threads=threads,
        shard=shard,
        engine=engine,
        settings=settings,
        options=options_of(ctx.command),
    )
    raise Exit(draw.run(as_json, quiet))
