"""New molecules from a script's settings: draw them and write them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from molediff.molecules.whole.files import read_scaffold_given, takes_shapes, write_molecules
from molediff.molecules.whole.generator import MoleculeGenerator
from molediff.runtime.progress import tqdm
from molediff.runtime.words import counted


def sample(
    output: str,
    weights: str,
    shapes: str | None,
    num_molecules: int,
    scaffold: str | None = None,
    attachments: Sequence[int] | None = None,
    properties: Mapping[str, float] | None = None,
    device: str | None = None,
    progress: bool = False,
    **options: Any,
) -> int:
    """Draw new molecules and write those that did not fail; return how many there are.

    Args:
        output: with shapes `.sdf`, `.sdf.gz`, `.xyz`, `.pdb`, `.parquet` or `.npz`; `.smi` draws graphs alone.
        weights, shapes, device: see `MoleculeGenerator.from_pretrained`.
        num_molecules, attachments, properties: see `MoleculeGenerator.generate`.
        scaffold: SMILES, or an `.sdf` or `.mol` file, whose coordinates are kept.
        progress: a bar on stderr.
        options: of `MoleculeGenerator.generate`.

    Raises:
        ValueError: a setting is out of range or cannot be had.
        OSError: a file cannot be read or written.
    """
    with_shapes = takes_shapes(output, num_molecules)
    generator = MoleculeGenerator.from_pretrained(weights, device, shapes)
    drawn = generator.generate(
        num_molecules,
        scaffold=read_scaffold_given(scaffold),
        attachments=attachments,
        properties=properties,
        with_shapes=with_shapes,
        **options,
    )
    found = list(tqdm(drawn, total=num_molecules, unit=" molecules", disable=not progress or None))
    good = [molecule for molecule in found if molecule.status == "ok"]
    if good:
        write_molecules(good, output)
    for fault, number in sorted(Counter(one.fault for one in found if one.fault).items()):
        print(f"{number} failed: {fault}", file=sys.stderr)
    print(f"{counted(len(good), 'new molecule')} in {output}" if good else f"{output} is not written")
    return len(good)
