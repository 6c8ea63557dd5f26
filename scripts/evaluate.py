"""Measure samples: `python scripts/evaluate.py num_molecules=5`, or `evaluate=images`. Keys: configs/evaluate/."""

from _cli import DictConfig, command
from hydra.utils import get_method


@command("evaluate")
def main(config: DictConfig) -> None:
    """Run the function of scripts/ that the group `evaluate` names; it writes a report."""
    get_method(config.run)(config)


if __name__ == "__main__":
    main()
