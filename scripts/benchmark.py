"""Measure: `python scripts/benchmark.py benchmark=speed`. Keys: configs/benchmark.yaml and configs/benchmark/."""

import json
from datetime import datetime, timezone

from _cli import DictConfig, command
from hydra.utils import get_method
from omegaconf import OmegaConf

from molediff.runtime.describe import describe_machine
from molediff.runtime.files import complete_file


@command("benchmark")
def main(config: DictConfig) -> None:
    """Run the measurements of the group `benchmark`, which print what they find, and write them as JSON."""
    protocol = OmegaConf.to_container(config.benchmark, resolve=True)
    date = datetime.now(timezone.utc).isoformat(timespec="seconds")
    settings = {key: value for key, value in protocol.items() if key != "run"}
    with complete_file(config.output) as file:
        figures = get_method(protocol["run"])(**settings)
        json.dump(
            {**describe_machine(), "date": date, "protocol": protocol, "figures": figures}, file, indent=2
        )
    print(f"written to {config.output}")


if __name__ == "__main__":
    main()
