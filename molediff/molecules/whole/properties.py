"""Properties that a graph can be asked for: their units, their spread, and how many atoms go with them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from molediff.molecules.data.qm9_source import PROPERTIES
from molediff.runtime.words import counted


@dataclass(frozen=True)
class PropertyScales:
    """Means and spreads of properties, by which a network sees them.

    Attributes:
        names: of the properties, in the order in which the network takes them.
        mean: in their units, shape (P,).
        std: likewise.
    """

    names: tuple[str, ...]
    mean: np.ndarray
    std: np.ndarray

    @classmethod
    def of(cls, values: Mapping[str, np.ndarray]) -> PropertyScales | None:
        """Those of training molecules, shape (n,) for each name; None for no names."""
        unknown = [name for name in values if name not in PROPERTIES]
        if unknown:
            raise ValueError(f"QM9 knows no property {unknown[0]!r}; it knows {', '.join(PROPERTIES)}.")
        if not values:
            return None
        table = np.stack(list(values.values()), 1)
        return cls(tuple(values), table.mean(0), table.std(0))

    def to_network(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Values in their units, shape (n,) for some of the names, as a table (n, P), NaN for the others."""
        num = len(next(iter(values.values())))
        table = np.full((num, len(self.names)), np.nan)
        for name, column in values.items():
            place = self.names.index(name)
            table[:, place] = (np.asarray(column) - self.mean[place]) / self.std[place]
        return table

    def described(self, properties: np.ndarray, num_atoms: np.ndarray) -> dict[str, Any]:
        """What weights keep of them, as JSON values.

        Args:
            properties: of the training molecules as the network sees them, shape (n, P).
            num_atoms: of these, shape (n,).
        """
        sizes = range(int(num_atoms.max()) + 1)
        of_size = [properties[num_atoms == size] for size in sizes]
        return {
            "names": list(self.names),
            "units": [PROPERTIES[name][1] for name in self.names],
            "mean": self.mean.tolist(),
            "std": self.std.tolist(),
            "least": properties.min(0).tolist(),
            "most": properties.max(0).tolist(),
            "mean_of_size": [
                rows.mean(0).tolist() if len(rows) else [0.0] * properties.shape[1] for rows in of_size
            ],
            "std_of_size": [
                rows.std(0).clip(0.05).tolist() if len(rows) else [1.0] * properties.shape[1]
                for rows in of_size
            ],
        }


Wanted = Mapping[str, float | Sequence[float]]
"""Values of properties by name, in QM9's units: one for all molecules of a call, or one for each."""


class WantedProperties:
    """Properties that are asked for, as the network takes them.

    Args:
        known: what the weights say of the properties (`PropertyScales.described`); None or empty: they know none.
        properties: values asked for.
        num_molecules: of the call.

    Raises:
        ValueError: the weights do not know a property, or a value is no finite number, or there are not as many values
            as molecules.

    Warns:
        UserWarning: a value is outside of what the training molecules have. It is asked for all the same.
    """

    def __init__(self, known: Mapping[str, Any] | None, properties: Wanted, num_molecules: int) -> None:
        if not known:
            raise ValueError(
                "These weights know no properties: take some that do, such as qm9_graphs_properties."
            )
        names = list(known["names"])
        if not isinstance(properties, Mapping):
            raise ValueError(
                f"properties must be a mapping of names to values, such as {{{names[0]!r}: ...}}; got {properties!r}."
            )
        columns: dict[str, np.ndarray] = {}
        for name, value in properties.items():
            if name not in names:
                raise ValueError(
                    f"There is no property {name!r} to ask for; the weights know {', '.join(names)}."
                )
            columns[name] = _column(name, value, num_molecules)
        if not columns:
            raise ValueError(f"properties is empty: give a value of {', '.join(names)}, or leave it out.")
        scales = PropertyScales(tuple(names), np.array(known["mean"]), np.array(known["std"]))
        self._table = scales.to_network(columns)
        self._mean_of_size, self._std_of_size = (
            np.array(known[key]) for key in ("mean_of_size", "std_of_size")
        )
        for place, name in enumerate(names):
            ends = [known[key][place] * scales.std[place] + scales.mean[place] for key in ("least", "most")]
            # Ends are kept in the unit of the network, and come back with the rounding of that.
            slack = 1e-6 * scales.std[place]
            if name in columns and not (
                ends[0] - slack <= columns[name].min() and columns[name].max() <= ends[1] + slack
            ):
                warnings.warn(
                    f"{name} of the training molecules is between {ends[0]:.4g} and {ends[1]:.4g} "
                    f"{known['units'][place]}: what is asked for beyond is a guess.",
                    UserWarning,
                    stacklevel=4,
                )

    def rows(self, numbers: Sequence[int]) -> Tensor:
        """Of these molecules, float32, shape (n, P), NaN for what is not asked for."""
        return torch.from_numpy(self._table[np.array(numbers) % len(self._table)]).float()

    def sizes(self, number: int, sizes: np.ndarray) -> np.ndarray:
        """Probability of 0, 1, 2, ... heavy atoms of a molecule, `sizes` being that without properties.

        By Bayes' rule, the property of molecules of one size taken as normal. Of several properties the one that tells
        most of the size counts alone, since they are not independent.
        """
        row = self._table[number % len(self._table)]
        possible = sizes.nonzero()[0]
        tells = np.where(np.isnan(row), -1.0, self._mean_of_size[possible].std(0)).argmax()
        mean, std = self._mean_of_size[:, tells], self._std_of_size[:, tells]
        log_likelihood = -0.5 * ((row[tells] - mean) / std) ** 2 - np.log(std)
        found = np.zeros_like(sizes)
        found[possible] = sizes[possible] * np.exp(log_likelihood[possible] - log_likelihood[possible].max())
        return found / found.sum()


def _column(name: str, value: Any, num_molecules: int) -> np.ndarray:
    try:
        column = np.atleast_1d(np.asarray(value, np.float64))
    except (TypeError, ValueError):
        raise ValueError(f"{name} is a number or a list of numbers; got {value!r}.") from None
    if column.ndim != 1 or len(column) not in (1, num_molecules):
        raise ValueError(
            f"{name} needs one value, or one for each of {counted(num_molecules, 'molecule')}; got {len(column)}."
        )
    if not np.isfinite(column).all():
        raise ValueError(f"{name} must be finite; got {value!r}.")
    return column if len(column) == num_molecules else np.repeat(column, num_molecules)
