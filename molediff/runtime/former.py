"""Names that a module had in an earlier release: they still work, with a warning."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any


def former_names(module: str, renamed: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a module (PEP 562) that still answers to former names of what it holds.

    Args:
        module: full name of the module.
        renamed: the name of today for each former one.
    """

    def get(name: str) -> Any:
        if name not in renamed:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        warnings.warn(
            f"{module}.{name} is now called {renamed[name]}; the former name goes with the next release.",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(sys.modules[module], renamed[name])

    return get
