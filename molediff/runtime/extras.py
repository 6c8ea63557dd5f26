"""Packages that only some users need: which extra of molediff brings them."""

from __future__ import annotations

import sys
from importlib.util import find_spec

EXTRA_OF = {
    "Auto3D": "aimnet2",
    "CDPL": "rivals",
    "PIL": "report",
    "ase": "xtb",
    "fcd": "fcd",
    "matplotlib": "report",
    "ot": "report",
    "pandas": "tables",
    "plotly": "report",
    "posebusters": "report",
    "pyarrow": "tables",
    "pytorch_lightning": "train",
    "qm9pack": "qm9",
    "ray": "ray",
    "sklearn": "report",
    "tblite": "xtb",
    "tensorboard": "train",
}
"""By the name that is imported."""


def require(package: str, purpose: str) -> None:
    """See to it, without importing it, that a package of `EXTRA_OF` is installed.

    Args:
        package: as it is imported.
        purpose: what needs it, the subject of the message.

    Raises:
        ModuleNotFoundError: it is not; the message says which command installs it.

    Example:
        >>> require("surely_not_there", "This example")
        Traceback (most recent call last):
        ...
        ModuleNotFoundError: This example needs surely_not_there, which is not installed: pip install 'molediff[all]'.
    """
    absent = (
        package in sys.modules and sys.modules[package] is None
    )  # as Python marks what must not be imported
    if absent or find_spec(package) is None:
        raise ModuleNotFoundError(f"{purpose} needs {_missing(package)}.", name=package)


def explain(error: BaseException) -> str | None:
    """One sentence for an error that a missing extra caused, with the command that installs it; None for any other."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    package = error.name.split(".")[0]
    if package not in EXTRA_OF:
        return None
    said = str(error)
    return said if "pip install" in said else f"This needs {_missing(package)}."


def _missing(package: str) -> str:
    return f"{package}, which is not installed: pip install 'molediff[{EXTRA_OF.get(package, 'all')}]'"
