"""The `molediff` command in this process, as typed at a prompt: a process of its own costs seconds of imports."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from molediff.commands.main import main


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code and what it printed."""

    code: int
    stdout: str
    stderr: str

    @property
    def line(self) -> str:
        """The one line of its standard error."""
        (line,) = self.stderr.splitlines()
        return line


def molediff(*words: object, folder: Path, typed: str | None = None) -> Ended:
    """Run `molediff` with these words in a folder, `typed` as its standard input."""
    here, handler = os.getcwd(), signal.getsignal(signal.SIGTERM)
    os.chdir(folder)
    try:
        found = CliRunner().invoke(main, [str(word) for word in words], input=typed)
    finally:
        os.chdir(here)
        signal.signal(signal.SIGTERM, handler)
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return Ended(found.exit_code, found.stdout, found.stderr)
