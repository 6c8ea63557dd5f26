"""Write the table of the minima of small molecules that samples are held against: scripts/build_known_minima.py."""

from pathlib import Path

from molediff.evaluation.conformers.references import read_references
from molediff.molecules.perception.known_minima import table_of
from molediff.runtime.files import write_bytes

ROOT = Path(__file__).parent.parent
SETS = ("known_molecules", "small_molecules")
OUTPUT = ROOT / "molediff/molecules/perception/known_minima.json"


def main() -> None:
    mols = [mol for name in SETS for mol in read_references(str(ROOT / f"data/{name}.sdf.gz"))]
    write_bytes(OUTPUT, table_of(mols).encode())
    print(f"{OUTPUT.relative_to(ROOT)}: {len(mols)} molecules")


if __name__ == "__main__":
    main()
