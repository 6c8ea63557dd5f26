"""Ensembles of minima: `python scripts/build_ensembles.py num_molecules=4`. Keys: configs/build_ensembles.yaml."""

from molediff.commands.configured import DictConfig, call, command


@command("build_ensembles", takes_arguments=True)
def main(config: DictConfig, sources: list[str]) -> None:
    """Build the ensembles that the records lack, and write all of them."""
    if call(config, sources=sources).num_done == 0:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
