"""Warnings of the package while a command runs: one line each, without a file and a line of Python."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

import molediff
from molediff.commands.words import as_typed

_OURS = os.path.dirname(molediff.__file__)


@contextmanager
def warnings_in_one_line(name: str, options: Mapping[str, str], quiet: bool = False) -> Iterator[None]:
    """Within the block a warning of molediff is a line on standard error; those of other packages are as ever.

    Args:
        name: of the program, before each line.
        options: of the command, see `words.options_of`.
        quiet: say none.
    """
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if not issubclass(category, UserWarning) or not filename.startswith(_OURS):
                usual(message, category, filename, lineno, file, line)
            elif not quiet:
                say(f"{name}: {as_typed(' '.join(str(message).split()), options)}")

        warnings.showwarning = show
        yield


def say(line: str) -> None:
    """Print a line on standard error, above a bar of progress if there is one."""
    if "tqdm" in sys.modules:
        sys.modules["tqdm"].tqdm.write(line, file=sys.stderr)
    else:
        print(line, file=sys.stderr)
