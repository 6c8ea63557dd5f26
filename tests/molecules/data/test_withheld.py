"""What ships to train on, against all that is measured or chosen by: no two share the first block of an InChIKey.

The block is the same for stereoisomers, isotopes and most tautomers.
"""

import gzip
import re

import pytest
from places import DATA

from molediff.molecules.data.beside import load_beside, smiles_of
from molediff.molecules.data.minima import connectivity_key, read_keys

MEASURED_BY = ("ensembles_test", "ensembles_val", "drugs_ensembles")
TRAINED_ON = ("ensembles_train", "relaxed_train", "relaxed_small", "small_molecules")


def blocks(name: str) -> set[str]:
    """Of the molecules of a file of data/."""
    content = gzip.decompress((DATA / f"{name}.sdf.gz").read_bytes()).decode()
    return set(
        map(connectivity_key, set(re.findall(r"^>  <(?:SMILES|smiles)>.*\n(.*)$", content, re.MULTILINE)))
    )


@pytest.fixture(scope="module")
def withheld():
    keys = read_keys(str(DATA / "benchmark_keys.txt.gz")) | read_keys(str(DATA / "crystal_inchikey14.txt"))
    assert len(keys) > 10_000
    return keys.union(*map(blocks, MEASURED_BY))


@pytest.mark.parametrize("name", TRAINED_ON)
def test_no_molecule_that_ships_to_train_on_is_one_to_measure_by(withheld, name):
    trained_on = blocks(name)
    assert len(trained_on) > 200
    assert not trained_on & withheld


def test_known_molecules_that_others_measure_by_are_left_out_in_training(withheld):
    files = [str(DATA / "known_molecules.sdf.gz")]
    known = load_beside(files, 0.5, [], str(DATA / "benchmark_keys.txt.gz"))
    assert len(blocks("known_molecules") & withheld) == 5
    assert not set(map(connectivity_key, smiles_of(known.conformers))) & withheld
