"""The `molediff` command, and the edge where Hydra's configs become objects: the only room that may import Hydra."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_BUILT_IN = _PACKAGE / "configs"

CONFIGS = _BUILT_IN if _BUILT_IN.is_dir() else _PACKAGE.parent / "configs"
"""Inside an installed package; in a clone, and where that is installed with `-e`, the folder beside the package."""
