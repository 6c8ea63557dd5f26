"""`molediff merge`: one file of those that the jobs of `conformers --shard` wrote."""

from __future__ import annotations

import sys
from typing import Annotated

from typer import Argument, Exit

from molediff.commands.exits import NONE_SUCCEEDED, SOME_FAILED
from molediff.commands.options import Overwrite
from molediff.runtime.words import counted

Output = Annotated[str, Argument(metavar="OUTPUT", help="The file that the jobs were given as -o.")]

EXAMPLES = """\
Examples:
  molediff conformers big.smi -o out.sdf.gz --shard $SLURM_ARRAY_TASK_ID/100   # in each of a hundred jobs
  molediff merge out.sdf.gz                                                    # when all are done
"""


def merge(output: Output, overwrite: Overwrite = False) -> None:
    """Write OUTPUT from its shards, in the order of the inputs; a shard that is missing or double is an error."""
    from molediff.commands.files import check_new

    check_new([output], overwrite)
    from molediff.molecules.jobs.merge import merge_shards

    found = merge_shards(output)
    counts = ", ".join(f"{number:,} {word}" for word, number in found.num_inputs.items() if number)
    print(f"{output}: {counted(found.num_conformers, 'conformer')}; molecules: {counts}", file=sys.stderr)
    if failed := found.num_inputs["failed"]:
        raise Exit(NONE_SUCCEEDED if failed == sum(found.num_inputs.values()) else SOME_FAILED)
