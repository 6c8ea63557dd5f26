"""Ranges of bonds, angles and torsions: `python scripts/build_ranges.py`. Keys: configs/build_ranges.yaml."""

from pathlib import Path

from molediff.commands.configured import DictConfig, command
from molediff.molecules.data.range_sources import build_ranges, pass_rates, read_set
from molediff.runtime.files import write_bytes


@command("build_ranges")
def main(config: DictConfig) -> None:
    """Survey the geometries, write the table, and say which share of those held out passes the checks."""
    ranges = build_ranges(config.sets, config.root, config.rare)
    write_bytes(Path(config.output), ranges.to_json().encode())
    print(f"{config.output}: {ranges.head}")
    for name in (*config.sets, *config.rare):
        held_out = list(read_set(name, config.root, held_out=True))
        if not held_out:
            continue
        rates = pass_rates(held_out, ranges)
        print(
            f"{name}, {len(held_out)} held out: "
            + ", ".join(f"{check} {100 * rate:.3f} %" for check, rate in rates.items())
        )


if __name__ == "__main__":
    main()
