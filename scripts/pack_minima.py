"""Packs minima to train on: `python scripts/pack_minima.py minima.sdf.gz`. Keys: configs/pack_minima.yaml."""

import sys

from molediff.commands.configured import DictConfig, command
from molediff.molecules.data.minima import pack_minima, read_keys


@command("pack_minima", takes_arguments=True)
def main(config: DictConfig, sources: list[str]) -> None:
    """Write one file of the minima of one source."""
    if len(sources) != 1:
        raise ValueError(f"give one file of minima, an .sdf, .sdf.gz or .npz; got {len(sources)}")
    minima, left_out = pack_minima(sources[0], read_keys(config.excluded), config.progress)
    for reason, count in left_out.most_common():
        print(f"pack_minima.py: left out {count}: {reason}", file=sys.stderr)
    minima.save(config.output)
    print(f"{config.output}: {len(minima.molecule)} minima of {len(minima.smiles_list())} molecules")


if __name__ == "__main__":
    main()
