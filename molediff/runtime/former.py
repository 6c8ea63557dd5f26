"""Names that a module had in an earlier release: they still work, with a warning."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

Method = TypeVar("Method", bound=Callable[..., Any])


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


def formerly_positional(*names: str) -> Callable[[Method], Method]:
    """A method whose arguments behind the first had another order in an earlier release.

    Given by position they are still taken in that order, with a warning; by name they mean what they say.

    Args:
        names: of these arguments, in the former order.
    """

    def decorate(method: Method) -> Method:
        @functools.wraps(method)
        def call(self: Any, *given: Any, **named: Any) -> Any:
            if not 1 < len(given) <= 1 + len(names):
                return method(self, *given, **named)
            former = dict(zip(names, given[1:], strict=False))
            warnings.warn(
                f"{method.__name__} has another order of arguments: give {', '.join(former)} by name; by position they "
                "mean something else with the next release.",
                DeprecationWarning,
                stacklevel=2,
            )
            return method(self, given[0], **former, **named)

        return cast(Method, call)

    return decorate
