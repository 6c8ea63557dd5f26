"""Measure: `python scripts/benchmark.py benchmark=speed`. Keys: configs/benchmark.yaml and configs/benchmark/."""

import json
from datetime import datetime, timezone

from _cli import DictConfig, call, command
from omegaconf import OmegaConf

from molediff.runtime.describe import describe_machine
from molediff.runtime.files import complete_file


@command("benchmark")
def main(config: DictConfig) -> None:
    """Measure what the group `benchmark` names, print what is found, and write it as JSON."""
    protocol = OmegaConf.to_container(config.benchmark, resolve=True)
    date = datetime.now(timezone.utc).isoformat(timespec="seconds")
    with complete_file(config.output) as file:
        figures = call(config.benchmark)
        json.dump(
            {**describe_machine(), "date": date, "protocol": protocol, "figures": figures}, file, indent=2
        )
    print(f"written to {config.output}")


if __name__ == "__main__":
    main()
