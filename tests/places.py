"""Where things lie in the repository, for tests that read them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "molediff"
SCRIPTS = ROOT / "scripts"
CONFIGS = ROOT / "configs"
DATA = ROOT / "data"
