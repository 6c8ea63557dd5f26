"""Measure: `python scripts/benchmark.py benchmark=speed`. Keys: configs/benchmark.yaml and configs/benchmark/."""

import json
import os
import platform
from datetime import datetime, timezone

import torch
from _cli import DictConfig, command
from hydra.utils import get_method
from omegaconf import OmegaConf

from molediff.molecules.io import complete_file


@command("benchmark")
def main(config: DictConfig) -> None:
    """Run the measurements of the group `benchmark`, which print what they find, and write them as JSON."""
    protocol = OmegaConf.to_container(config.benchmark, resolve=True)
    settings = {key: value for key, value in protocol.items() if key != "run"}
    with complete_file(config.output) as file:
        figures = get_method(protocol["run"])(**settings)
        json.dump({"machine": machine(), "protocol": protocol, "figures": figures}, file, indent=2)
    print(f"written to {config.output}")


def machine() -> dict[str, object]:
    """What the figures were measured on."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "amx": torch.cpu._is_amx_tile_supported(),
        "torch": torch.__version__,
    }


def processor() -> str:
    """Name of the processor, or its architecture where Linux does not tell."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


if __name__ == "__main__":
    main()
