"""The edge where Hydra's configs become objects: beside scripts/ the only room that may import Hydra."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGS = REPOSITORY / "configs"
