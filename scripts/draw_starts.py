"""Draws structures that a refiner learns from forces on: `python scripts/draw_starts.py`. Keys:
configs/draw_starts.yaml."""

import sys
from itertools import chain, islice

import numpy as np
from rdkit import rdBase

from molediff.commands.configured import DictConfig, command
from molediff.molecules.data.drawn_starts import draw_starts
from molediff.molecules.data.drugs import is_held_out
from molediff.molecules.data.minima import Minima, connectivity_key, read_keys
from molediff.molecules.data.protonation import ions


@command("draw_starts")
def main(config: DictConfig) -> None:
    """Write structures of molecules of a file of minima, and of their ions, without what is held out."""
    smiles = [one for one in Minima.read(config.minima).smiles_list() if not is_held_out(one)]
    random = np.random.default_rng(config.seed)
    chosen = [smiles[i] for i in random.permutation(len(smiles))[: config.num_molecules]]
    if config.num_ions:
        excluded = frozenset(chain.from_iterable(map(read_keys, config.excluded)))
        found = (ions(smiles[i]) for i in random.permutation(len(smiles)))
        fit = (
            one
            for several in found
            for one in several[:1]
            if not is_held_out(one) and connectivity_key(one) not in excluded
        )
        chosen += islice(fit, config.num_ions)
    with rdBase.BlockLogs():
        starts, left_out = draw_starts(chosen, config.seed, config.progress)
    for one in left_out:
        print(f"draw_starts.py: no structure of {one}", file=sys.stderr)
    starts.save(config.output)
    print(f"{config.output}: {len(starts.molecule)} structures of {len(starts.smiles_list())} molecules")


if __name__ == "__main__":
    main()
