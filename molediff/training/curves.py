"""The training curve of a run: `python -m molediff.training.curves outputs/run curve.png` (and curve.csv)."""

from __future__ import annotations

import csv
import math
import sys
from pathlib import Path

import numpy as np

RMSD_LABELS = {
    "val/rmsd_best_mean": "best of each molecule, mean",
    "val/rmsd_best_median": "best of each molecule, median",
    "val/rmsd_all_mean": "all samples, mean",
}


def read_curves(run_dir: str | Path) -> dict[str, np.ndarray]:
    """The logged metrics of a run, all its parts if it was interrupted.

    Args:
        run_dir: folder of the run, or a CSV file.

    Returns:
        For each metric an array (num_rows, 2) of minutes and values.

    Raises:
        ValueError: if there is no log.
    """
    run_dir = Path(run_dir)
    parts = run_dir.glob("csv/version_*/metrics.csv")
    files = (
        [run_dir]
        if run_dir.is_file()
        else sorted(parts, key=lambda path: int(path.parent.name.split("_")[1]))
    )
    if not files:
        raise ValueError(f"{run_dir} has no log: give the folder of a run, or its metrics.csv")
    parts_rows = []
    for file in files:
        with file.open(newline="", encoding="utf-8") as stream:
            parts_rows.append([(float(row.pop("minutes")), row) for row in csv.DictReader(stream)])
    curves: dict[str, list[tuple[float, float]]] = {}
    for k, rows in enumerate(parts_rows):
        # A part that was killed logged steps after its last checkpoint; the next part did them again.
        resumed = min((later[0][0] for later in parts_rows[k + 1 :] if later), default=math.inf)
        for minutes, row in rows:
            for name, value in row.items():
                if value and name != "step" and minutes < resumed:
                    curves.setdefault(name, []).append((minutes, float(value)))
    return {name: np.array(values) for name, values in curves.items()}


def write_curves(run_dir: str | Path, table: str | Path) -> None:
    """Write the logged metrics of a run as one CSV table of metric, minutes and value."""
    with Path(table).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["metric", "minutes", "value"])
        for name, values in read_curves(run_dir).items():
            writer.writerows([name, f"{minutes:.3f}", f"{value:.6g}"] for minutes, value in values)


def plot_curves(run_dir: str | Path, picture: str | Path) -> None:
    """Draw the loss, the loss by noise level, the learning rate and the RMSD of sampled conformers against minutes.

    Args:
        run_dir: folder of the run, or a CSV file.
        picture: file to write, of a type that matplotlib knows (.png, .svg, .pdf).
    """
    from matplotlib.figure import Figure

    curves = read_curves(run_dir)
    figure = Figure(figsize=(11, 7), layout="constrained")
    loss, by_noise, rate, rmsd = figure.subplots(2, 2).flat
    for name, label in (("train/loss", "training"), ("val/loss", "validation, averaged weights")):
        if name in curves:
            loss.plot(*curves[name].T, label=label)
    loss.set(title="Loss", yscale="log")
    prefix = "val/loss_lambda_"
    # From low noise (high lambda) to high noise.
    for name in sorted((n for n in curves if n.startswith(prefix)), key=lambda n: -float(_ends(n)[0])):
        first, last = _ends(name)
        by_noise.plot(*curves[name].T, label=rf"{first} > $\lambda$ > {last}")
    by_noise.set(title="Validation loss by noise level", yscale="log")
    if "train/learning_rate" in curves:
        rate.plot(*curves["train/learning_rate"].T, label="learning rate")
    rate.set(title="Learning rate")
    for name, label in RMSD_LABELS.items():
        if name in curves:
            rmsd.plot(*curves[name].T, marker="o", label=label)
    rmsd.set(title="Heavy-atom RMSD of sampled conformers / Angstrom")
    rmsd.set_ylim(bottom=0)
    for axes in (loss, by_noise, rate, rmsd):
        axes.set_xlabel("minutes")
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend(fontsize=8)
    figure.savefig(picture, dpi=120)


def _ends(name: str) -> tuple[str, str]:
    """("+7.0", "+0.9") of "val/loss_lambda_+7.0_to_+0.9"."""
    first, last = name.removeprefix("val/loss_lambda_").split("_to_")
    return first, last


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m molediff.training.curves RUN_FOLDER PICTURE")
    plot_curves(sys.argv[1], sys.argv[2])
    write_curves(sys.argv[1], Path(sys.argv[2]).with_suffix(".csv"))
