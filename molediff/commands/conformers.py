"""`molediff conformers`: conformers of molecules, into a file."""

from __future__ import annotations

from typing import Annotated

from typer import Argument, Exit, Option

from molediff.commands.options import FILES, MACHINE, SAMPLING, Device, Json, Overwrite, Quiet, Seed, Threads

_WHICH = "Which conformers"
_DONE = "What is done with them"

Molecules = Annotated[
    list[str],
    Argument(
        metavar="MOLECULE",
        help="SMILES or InChI, files (.smi .csv .tsv .sdf .mol .mol2 .pdb .parquet, also .gz), - for standard input.",
        show_default=False,
    ),
]
Number = Annotated[
    int,
    Option("--num-conformers", "-n", min=1, metavar="N", help="Of each molecule.", rich_help_panel=_WHICH),
]
Output = Annotated[
    str,
    Option(
        "--output",
        "-o",
        metavar="FILE",
        help=".sdf, .sdf.gz, .xyz, .pdb, .parquet or .npz; - writes SDF to standard output.",
        rich_help_panel=FILES,
    ),
]
Status = Annotated[
    str | None,
    Option(
        "--status",
        metavar="FILE.csv",
        help="Table with one row for every input. Default: OUTPUT.status.csv, where something failed.",
        rich_help_panel=FILES,
    ),
]
Column = Annotated[
    str,
    Option("--smiles-column", metavar="NAME", help="Header of the SMILES in tables.", rich_help_panel=FILES),
]
Report = Annotated[
    str | None,
    Option(
        "--report", metavar="FILE.html", help="Also a page with pictures and checks.", rich_help_panel=FILES
    ),
]
Preset = Annotated[
    str | None,
    Option(
        "--preset",
        metavar="crystal|minima",
        help="crystal: far from each other, for docking; minima: of MMFF94s, by energy. Other options go before.",
        rich_help_panel=_WHICH,
    ),
]
Weights = Annotated[
    str,
    Option(
        "--weights",
        metavar="NAME",
        help="auto (what knows the molecule), qm9, qm9_distilled, qm9_fast, qm9_b3lyp, drugs, or a .safetensors file.",
        rich_help_panel=SAMPLING,
    ),
]
Solver = Annotated[
    str | None,
    Option("--solver", metavar="NAME", help="Default: as the weights are meant.", rich_help_panel=SAMPLING),
]
Steps = Annotated[
    int | None,
    Option(
        "--num-steps",
        min=1,
        metavar="N",
        help="Fewer is faster, more is more exact.",
        rich_help_panel=SAMPLING,
    ),
]
Grid = Annotated[
    str | None, Option("--grid", metavar="NAME", help="Spacing of the steps.", rich_help_panel=SAMPLING)
]
Eta = Annotated[
    float | None,
    Option("--eta", metavar="X", help="Noise of ddim and euler_maruyama.", rich_help_panel=SAMPLING),
]
Init = Annotated[
    str | None,
    Option(
        "--init",
        metavar="minima|crystal|etkdg|given",
        help="Of drugs: what it begins with, torsions of minima or crystals, or conformers of ETKDGv3 or of a file.",
        rich_help_panel=SAMPLING,
    ),
]
Attempts = Annotated[
    int,
    Option(
        "--max-attempts",
        min=1,
        metavar="N",
        help="Samples drawn for one conformer.",
        rich_help_panel=SAMPLING,
    ),
]
Strict = Annotated[
    bool, Option("--strict", help="Refuse molecules unlike those trained on.", rich_help_panel=_WHICH)
]
LargestFragment = Annotated[
    bool, Option("--largest-fragment", help="Of a salt, the largest molecule.", rich_help_panel=_WHICH)
]
Fixed = Annotated[
    str | None,
    Option(
        "--fixed",
        metavar="FILE",
        help="Substructure (.sdf, .mol) that keeps its coordinates in every conformer.",
        rich_help_panel=_WHICH,
    ),
]
Relax = Annotated[
    str | None,
    Option(
        "--relax", metavar="mmff|gfn2|aimnet2", help="Move each to its next minimum.", rich_help_panel=_DONE
    ),
]
Energies = Annotated[
    str | None,
    Option(
        "--energies", metavar="mmff|gfn2|aimnet2", help="Store the energy of each.", rich_help_panel=_DONE
    ),
]
Rank = Annotated[bool, Option("--rank", help="Write them by increasing energy.", rich_help_panel=_DONE)]
Window = Annotated[
    float | None,
    Option(
        "--energy-window",
        metavar="E",
        help="Leave out what is E kcal/mol above the lowest.",
        rich_help_panel=_DONE,
    ),
]
Prune = Annotated[
    float | None,
    Option(
        "--prune-rmsd",
        metavar="D",
        help="Leave out what is within D Angstrom of another.",
        rich_help_panel=_DONE,
    ),
]
Pool = Annotated[
    int | None,
    Option("--pool", min=1, metavar="N", help="Draw N, and choose from them.", rich_help_panel=_DONE),
]
Select = Annotated[
    str | None,
    Option(
        "--select",
        metavar="spread|coverage|energy",
        help="Choose what lies far apart, near all others, or low.",
        rich_help_panel=_DONE,
    ),
]
Timeout = Annotated[
    float | None,
    Option("--timeout", metavar="S", help="Most seconds for a molecule.", rich_help_panel=MACHINE),
]
Workers = Annotated[
    int,
    Option(
        "--workers",
        min=1,
        metavar="N",
        help="Processes; worth it from some hundred conformers.",
        rich_help_panel=MACHINE,
    ),
]
Shard = Annotated[
    str | None,
    Option(
        "--shard",
        metavar="I/N",
        help="Part I of N of the inputs, for array jobs; molediff merge makes one file of all.",
        rich_help_panel=MACHINE,
    ),
]
Engine = Annotated[
    str,
    Option(
        "--engine",
        metavar="local|ray",
        help="ray: the processes of a Ray cluster (RAY_ADDRESS), into a folder of Parquet files.",
        rich_help_panel=MACHINE,
    ),
]
Batch = Annotated[
    int,
    Option(
        "--batch-atoms", min=1, metavar="N", help="Atoms at a time; bounds memory.", rich_help_panel=MACHINE
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
    molecules: Molecules,
    num_conformers: Number = 10,
    output: Output = "conformers.sdf",
    overwrite: Overwrite = False,
    report: Report = None,
    status: Status = None,
    smiles_column: Column = "smiles",
    preset: Preset = None,
    fixed: Fixed = None,
    strict: Strict = False,
    largest_fragment: LargestFragment = False,
    seed: Seed = 0,
    weights: Weights = "auto",
    solver: Solver = None,
    num_steps: Steps = None,
    grid: Grid = None,
    eta: Eta = None,
    init: Init = None,
    max_attempts: Attempts = 5,
    relax: Relax = None,
    energies: Energies = None,
    rank: Rank = False,
    energy_window: Window = None,
    prune_rmsd: Prune = None,
    pool: Pool = None,
    select: Select = None,
    shard: Shard = None,
    engine: Engine = "local",
    workers: Workers = 1,
    timeout: Timeout = None,
    batch_atoms: Batch = 1024,
    device: Device = None,
    threads: Threads = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw conformers of molecules, check every one of them, and write them."""
    from molediff.commands.draw import Draw

    settings = {
        "solver": solver,
        "num_steps": num_steps,
        "grid": grid,
        "eta": eta,
        "init": init,
        "max_attempts": max_attempts,
        "relax": relax,
        "energies": energies,
        "rank": rank,
        "energy_window": energy_window,
        "prune_rmsd": prune_rmsd,
        "pool": pool,
        "select": select,
        "num_workers": workers,
        "timeout": timeout,
        "batch_atoms": batch_atoms,
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
        weights=weights,
        device=device,
        threads=threads,
        shard=shard,
        engine=engine,
        settings=settings,
    )
    raise Exit(draw.run(as_json, quiet))
