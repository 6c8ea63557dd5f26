"""`molediff molecules`: new molecules, graph and shape."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

from typer import Context, Exit, Option

from molediff.commands import exits
from molediff.commands.options import (
    BATCH_SIZE,
    Device,
    Json,
    Overwrite,
    Quiet,
    Seed,
    Threads,
    in_files,
    in_sampling,
)
from molediff.runtime.words import counted

if TYPE_CHECKING:
    from molediff.molecules.whole.result import NewMolecule


def in_which(*names: str, **settings: Any) -> Any:
    """An option of which molecules."""
    return Option(*names, rich_help_panel="Which molecules", **settings)


Number = Annotated[int, in_which("--num-molecules", "-n", min=1, metavar="N")]
Output = Annotated[
    str,
    in_files(
        "--output",
        "-o",
        metavar="FILE",
        help="With shapes: .sdf, .sdf.gz, .xyz, .pdb, .parquet or .npz; .smi draws graphs alone.",
    ),
]
Weights = Annotated[
    str, in_sampling("--weights", metavar="NAME", help="Weights of graphs, or a .safetensors file.")
]
Shapes = Annotated[
    str | None,
    in_sampling("--shapes", metavar="NAME", help="Weights of conformers. Default: what suits the elements."),
]
Atoms = Annotated[
    int | None,
    in_which("--num-atoms", min=1, metavar="N", help="Heavy atoms of each. Default: as often as learned."),
]
Composition = Annotated[
    str | None,
    in_which(
        "--composition",
        metavar="FORMULA",
        help="That all have, such as C7H10O2; without H, any number of hydrogens.",
    ),
]
Scaffold = Annotated[
    str | None,
    in_which(
        "--scaffold",
        metavar="SMILES",
        help="A part that all have; * stands for what is attached. Of an .sdf file the coordinates are kept.",
    ),
]
Attachments = Annotated[
    list[int] | None,
    in_which("--attachments", min=0, metavar="N", help="An atom of it that may be bonded. May be repeated."),
]
Properties = Annotated[
    list[str] | None,
    in_which(
        "--properties",
        metavar="NAME=VALUE",
        help="To come near, such as gap=0.25, for weights that know it. May be repeated.",
    ),
]
OnlyValid = Annotated[bool, in_which("--only-valid", help="Draw again what is no molecule or has no shape.")]
Attempts = Annotated[
    int, in_sampling("--max-attempts", min=1, metavar="N", help="Graphs drawn for one molecule at most.")
]
Steps = Annotated[
    int | None,
    in_sampling("--num-steps", min=1, metavar="N", help="Default: exact, one for each atom and pair."),
]
Constrained = Annotated[
    bool,
    in_sampling("--constrained/--no-constrained", help="Rule out at every step what no molecule completes."),
]
MaxEntropy = Annotated[
    float | None,
    in_sampling(
        "--max-entropy", min=0, metavar="NATS", help="Reveal together what leaves less open: fewer steps."
    ),
]
Known = Annotated[
    bool | None,
    in_sampling(
        "--familiar/--no-familiar",
        help="Draw again what occurs in no training molecule. Default: yes, but with a scaffold.",
        show_default=False,
    ),
]
Guidance = Annotated[
    float,
    in_sampling("--guidance", min=0, metavar="W", help="Press for properties, by twice the evaluations."),
]
Batch = Annotated[int, BATCH_SIZE]

EXAMPLES = """\
Examples:
  molediff molecules -n 20 --only-valid -o new.sdf
  molediff molecules -n 100 --composition C7H10O2 -o isomers.smi
"""


def molecules(
    ctx: Context,
    num_molecules: Number = 10,
    seed: Seed = 0,
    num_atoms: Atoms = None,
    composition: Composition = None,
    scaffold: Scaffold = None,
    attachments: Attachments = None,
    properties: Properties = None,
    only_valid: OnlyValid = False,
    output: Output = "molecules.sdf",
    overwrite: Overwrite = False,
    weights: Weights = "qm9_graphs",
    shapes: Shapes = None,
    num_steps: Steps = None,
    constrained: Constrained = True,
    max_entropy: MaxEntropy = None,
    familiar: Known = None,
    guidance: Guidance = 0.0,
    batch_size: Batch = 256,
    max_attempts: Attempts = 50,
    device: Device = None,
    threads: Threads = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw new molecules, first their graph and then their shape, and write them."""
    from molediff.commands.files import check_new, with_word
    from molediff.commands.threads import use_threads
    from molediff.commands.words import options_of, spoken

    check_new([output], overwrite)
    use_threads(threads)
    from tqdm import tqdm

    from molediff.molecules.whole.files import read_scaffold_given, takes_shapes, write_molecules
    from molediff.molecules.whole.generator import MoleculeGenerator

    with_shapes, wanted = takes_shapes(output, num_molecules), _values(properties)
    start = time.perf_counter()
    generator = MoleculeGenerator.from_pretrained(weights, device, shapes)
    drawn = generator.generate(
        num_molecules,
        seed,
        num_atoms=num_atoms,
        composition=composition,
        scaffold=read_scaffold_given(scaffold),
        attachments=attachments or None,
        properties=wanted,
        only_valid=only_valid,
        max_attempts=max_attempts,
        with_shapes=with_shapes,
        num_steps=num_steps,
        constrained=constrained,
        max_entropy=max_entropy,
        familiar=familiar,
        guidance=guidance,
        batch_size=batch_size,
    )
    bar = tqdm(
        spoken(drawn, options_of(ctx.command)),
        total=num_molecules,
        unit=" molecules",
        disable=quiet or None,
        leave=False,
    )
    found, code = _until_interrupted(bar)
    good = [molecule for molecule in found if molecule.status == "ok"]
    if code:
        output = with_word(output, "partial")
    if good:
        write_molecules(good, output)
    facts: dict[str, Any] = {
        "output": output if good else None,
        "molecules": {"total": len(found), "ok": len(good), "failed": len(found) - len(good)},
        "failures": [
            {"number": one.number, "fault": one.fault, "reason": one.reason} for one in found if one.fault
        ],
        "seconds": round(time.perf_counter() - start, 2),
        "interrupted": bool(code),
        "exit_code": code or _code(len(good), len(found)),
    }
    if as_json:
        print(json.dumps(facts, indent=2))
    _tell(facts, quiet or as_json)
    raise Exit(int(facts["exit_code"]))


def _until_interrupted(drawn: Any) -> tuple[list[NewMolecule], int]:
    """All of it and 0, or what there was when Ctrl-C or a request to end came, and the exit code for that."""
    found: list[NewMolecule] = []
    try:
        for molecule in drawn:
            found.append(molecule)
    except KeyboardInterrupt as error:
        return found, exits.code_of(error)
    return found, exits.OK


def _values(properties: list[str] | None) -> dict[str, float] | None:
    """What `--properties NAME=VALUE` says."""
    if not properties:
        return None
    found = {}
    for given in properties:
        name, _, value = given.partition("=")
        try:
            found[name.strip()] = float(value)
        except ValueError:
            raise ValueError(f"properties are given as NAME=VALUE, such as gap=0.25; got {given!r}") from None
    return found


def _code(num_good: int, num: int) -> int:
    return exits.NONE_SUCCEEDED if num_good == 0 else exits.OK if num_good == num else exits.SOME_FAILED


def _tell(facts: dict[str, Any], quiet: bool) -> None:
    counts = facts["molecules"]
    word = "interrupted; " if facts["interrupted"] else ""
    if not quiet or word:
        where = facts["output"] or "nothing written"
        print(
            f"{word}{where}: {counted(counts['ok'], 'new molecule')} in {facts['seconds']:.1f} s",
            file=sys.stderr,
        )
    if counts["failed"]:
        faults: dict[str, int] = {}
        for failure in facts["failures"]:
            faults[failure["fault"]] = faults.get(failure["fault"], 0) + 1
        listed = ", ".join(f"{fault} {number}" for fault, number in sorted(faults.items()))
        advice = "" if quiet else "; --only-valid draws such again"
        print(f"{counts['failed']:,} of {counts['total']:,} failed ({listed}){advice}", file=sys.stderr)
