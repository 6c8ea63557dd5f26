"""Measure: `python scripts/benchmark.py benchmark=speed`. Keys: configs/benchmark.yaml and configs/benchmark/."""

from molediff.commands.benchmark import measure
from molediff.commands.configured import DictConfig, command


@command("benchmark")
def main(config: DictConfig) -> None:
    """Measure what the group `benchmark` names, print what is found, and write it as JSON."""
    measure(config.benchmark, config.output)


if __name__ == "__main__":
    main()
