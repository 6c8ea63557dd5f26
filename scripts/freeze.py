"""Film of a molecule freezing out of noise: `python scripts/freeze.py 'OC[C@H](N)C=O'`. Keys: configs/freeze.yaml."""

from molediff.commands.configured import DictConfig, call, command


@command("freeze", takes_arguments=True)
def main(config: DictConfig, molecules: list[str]) -> None:
    """Draw one conformer and write its trajectory as a strip (PNG) and an animation (GIF)."""
    call(config, molecules=molecules)


if __name__ == "__main__":
    main()
