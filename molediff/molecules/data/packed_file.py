"""Arrays of many molecules in one small file."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from molediff.runtime.files import write_bytes

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class PackedFile:
    """SMILES of M molecules; a subclass, itself a frozen dataclass, has further arrays and names its script.

    Attributes:
        smiles: newline-separated UTF-8 bytes, uint8.
    """

    script: ClassVar[str]
    smiles: np.ndarray

    def smiles_list(self) -> list[str]:
        """SMILES of the M molecules."""
        text = self.smiles.tobytes().decode()
        return text.split("\n") if text else []

    def save(self, path: str | Path) -> None:
        """Write a compressed `.npz` file, in one step."""
        content = io.BytesIO()
        np.savez_compressed(content, **{field.name: getattr(self, field.name) for field in fields(self)})
        write_bytes(path, content.getvalue())

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read what `save` has written.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is another one.
        """
        if not Path(path).is_file():
            raise FileNotFoundError(f"There is no file {path}: make it with scripts/{cls.script}.")
        with np.load(path, allow_pickle=False) as arrays:
            names = [field.name for field in fields(cls)]
            if missing := [name for name in names if name not in arrays]:
                raise ValueError(f"{path} has no {', '.join(missing)}: give a file of scripts/{cls.script}.")
            return cls(**{name: arrays[name] for name in names})
