"""Files that a command is to write: nothing is replaced, and no folder made, that was not asked for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

STANDARD = "-"
"""Standard input or output in place of a file."""


def with_word(name: str, word: str) -> str:
    """The name of a file with a word before its endings: `out.partial.sdf.gz`."""
    path = Path(name)
    stem, dot, ending = path.name.partition(".") if not path.name.startswith(".") else (path.name, "", "")
    return str(path.with_name(f"{stem}.{word}{dot}{ending}"))


def check_new(files: Iterable[str | None], overwrite: bool, make_folder: bool = False) -> None:
    """See to it that files can be written, before anything is computed.

    Args:
        files: names; None and `-` are passed over.
        overwrite: whether they may be there.
        make_folder: whether a folder that is missing is made; of a name that the user chose it is more likely misspelt.

    Raises:
        FileExistsError: one is there.
        ValueError: one is no name of a file, or is there twice.
        OSError: its folder is missing, or cannot be written to.
    """
    from molediff.runtime.files import check_writable

    seen: set[Path] = set()
    for name in files:
        if name is None or name == STANDARD:
            continue
        file = Path(name)
        if file.resolve() in seen:
            raise ValueError(f"{name} is named for two outputs: name another file for one of them")
        seen.add(file.resolve())
        if name and file.is_dir():
            raise IsADirectoryError(f"{name} is a folder: name a file in it")
        if not name or (name.startswith(".") and not file.suffix):
            raise ValueError(f"{name!r} is no name of a file: give one, such as out{name or '.sdf'}")
        if name.startswith("="):
            raise ValueError(
                f"the file would be called {name!r}: leave the = out, as in -o {name[1:] or 'out.sdf'}"
            )
        if file.exists() and not file.is_file():
            raise ValueError(f"{name} is a device or a pipe, which cannot be replaced by a file: name a file")
        if file.exists() and not overwrite:
            raise FileExistsError(f"{name} exists: name another file, or add --overwrite")
        if not make_folder and not file.parent.is_dir():
            what = "is no folder" if file.parent.exists() else "does not exist"
            raise FileNotFoundError(f"the folder {file.parent} {what}: make it, or name another file")
        check_writable(file.parent)
