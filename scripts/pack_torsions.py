"""Measures torsions to train on: `python scripts/pack_torsions.py crystals=ligands.sdf.gz`. Keys:
configs/pack_torsions.yaml."""

from itertools import chain

from molediff.commands.configured import DictConfig, command
from molediff.molecules.data.minima import read_keys
from molediff.molecules.data.torsions import crystals_of, measure_torsions, minima_of


@command("pack_torsions")
def main(config: DictConfig) -> None:
    """Write one file of the torsions of all sources."""
    excluded = frozenset(chain.from_iterable(map(read_keys, config.excluded)))
    sources = []
    if config.crystals is not None:
        sources.append(crystals_of(config.crystals, config.progress))
    if config.minima is not None:
        sources.append(minima_of(config.minima, config.progress))
    torsions = measure_torsions(chain.from_iterable(sources), excluded)
    torsions.save(config.output)
    print(f"{config.output}: {len(torsions.degrees)} torsions of {len(torsions.keys)} molecules")


if __name__ == "__main__":
    main()
