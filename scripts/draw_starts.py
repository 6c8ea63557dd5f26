"""Draws structures that a refiner learns from forces on: `python scripts/draw_starts.py`. Keys:
configs/draw_starts.yaml."""

import sys

import numpy as np
from rdkit import rdBase

from molediff.commands.configured import DictConfig, command
from molediff.molecules.data.drawn_starts import draw_starts
from molediff.molecules.data.drugs import is_held_out
from molediff.molecules.data.minima import Minima


@command("draw_starts")
def main(config: DictConfig) -> None:
    """Write structures of molecules of a file of minima, without those that are held out."""
    smiles = [one for one in Minima.read(config.minima).smiles_list() if not is_held_out(one)]
    chosen = np.random.default_rng(config.seed).permutation(len(smiles))[: config.num_molecules]
    with rdBase.BlockLogs():
        starts, left_out = draw_starts([smiles[i] for i in chosen], config.seed, config.progress)
    for one in left_out:
        print(f"draw_starts.py: no structure of {one}", file=sys.stderr)
    starts.save(config.output)
    print(f"{config.output}: {len(starts.molecule)} structures of {len(starts.smiles_list())} molecules")


if __name__ == "__main__":
    main()
