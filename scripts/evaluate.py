"""Measure samples: `python scripts/evaluate.py num_molecules=5`, or `evaluate=images`. Keys: configs/evaluate/."""

from molediff.commands.configured import DictConfig, call, command


@command("evaluate")
def main(config: DictConfig) -> None:
    """Measure samples of a model and write a report."""
    call(config)


if __name__ == "__main__":
    main()
