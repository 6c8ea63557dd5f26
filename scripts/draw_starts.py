"""Draws structures that a refiner learns from forces on: `python scripts/draw_starts.py`. Keys:
configs/draw_starts.yaml."""

import sys
from collections.abc import Iterable, Iterator
from itertools import chain, islice

import numpy as np
from rdkit import Chem, rdBase

from molediff.commands.configured import DictConfig, command
from molediff.molecules.data.drawn_starts import draw_starts
from molediff.molecules.data.drugs import is_held_out
from molediff.molecules.data.minima import Minima, connectivity_key, read_keys
from molediff.molecules.data.protonation import ions
from molediff.molecules.files.io import read_inputs


@command("draw_starts")
def main(config: DictConfig) -> None:
    """Write structures of molecules of a file of minima, of their ions and of others, without what is held out."""
    excluded = frozenset(chain.from_iterable(map(read_keys, config.excluded)))
    random = np.random.default_rng(config.seed)
    with rdBase.BlockLogs():
        smiles = [one for one in Minima.read(config.minima).smiles_list() if not is_held_out(one)]
        chosen = _shuffled(smiles, random)[: config.num_molecules]
        several = filter(None, map(ions, _shuffled(smiles, random)))
        found = (charged[random.integers(len(charged))] for charged in several)
        chosen += islice(_to_train_on(found, excluded), config.num_ions)
        others = _shuffled(list(dict.fromkeys(_read(config.others))), random)
        chosen += islice(_to_train_on(others, excluded), config.num_others)
        starts, left_out = draw_starts(chosen, config.seed, config.progress)
    for one in left_out:
        print(f"draw_starts.py: no structure of {one}", file=sys.stderr)
    starts.save(config.output)
    print(f"{config.output}: {len(starts.molecule)} structures of {len(starts.smiles_list())} molecules")


def _shuffled(smiles: list[str], random: np.random.Generator) -> list[str]:
    return [smiles[i] for i in random.permutation(len(smiles))]


def _read(sources: Iterable[str]) -> Iterator[str]:
    """Canonical SMILES of what can be read of molecules and files."""
    for given in read_inputs(sources):
        mol = Chem.MolFromSmiles(given.molecule) if isinstance(given.molecule, str) else given.molecule
        if mol is not None:
            yield Chem.MolToSmiles(Chem.RemoveHs(mol))


def _to_train_on(smiles: Iterable[str], excluded: frozenset[str]) -> Iterator[str]:
    return (one for one in smiles if not is_held_out(one) and connectivity_key(one) not in excluded)


if __name__ == "__main__":
    main()
