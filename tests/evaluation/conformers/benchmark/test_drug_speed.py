"""Time by size: what is timed, and how rates are read."""

import numpy as np
import pytest
from rdkit import Chem

from molediff.evaluation.conformers.benchmark.drug_speed import (
    Timing,
    molecules_of_size,
    speed_figure,
    table_of,
    time_method,
)
from molediff.molecules.data.drugs import is_held_out
from molediff.molecules.data.minima import Minima

TIMINGS = [
    Timing("ETKDGv3", 30, 2, 10, 0.05),
    Timing("ETKDGv3", 50, 2, 10, 0.2),
    Timing("ours", 30, 2, 5, 0.05),
    Timing("ours", 50, 2, 10, 0.1),
]


def test_rates_are_of_conformers_returned_beside_the_first_method():
    ours = table_of(TIMINGS).splitlines()[4].split()
    assert ours == ["ours", "10.0", "0.50", "10.0", "2.00"]
    assert len(speed_figure(TIMINGS).axes[0].lines) == 2


def test_a_method_that_fails_spends_time_for_nothing():
    def method(mol, num_conformers, seed):
        raise RuntimeError("no")

    timing = time_method("none", method, 9, [Chem.AddHs(Chem.MolFromSmiles("CCO"))], 5, 1)
    assert (timing.num_returned, timing.seconds_each) == (0, float("inf"))


def test_held_out_molecules_of_a_size_are_taken_and_peptides_where_there_is_none(tmp_path):
    path = str(tmp_path / "minima.npz")
    smiles = [end + "C" * length for end in "CNOSF" for length in range(1, 40)]
    nothing = np.zeros(0, np.int32)
    Minima(np.frombuffer("\n".join(smiles).encode(), np.uint8), nothing, nothing, nothing).save(path)
    held_out = [one for one in smiles if is_held_out(one)]
    taken = molecules_of_size(path, [], 92, 91, 100)
    assert [Chem.MolToSmiles(Chem.RemoveHs(mol)) for mol in taken] == [
        Chem.CanonSmiles(one) for one in held_out
    ]
    assert 0 < len(held_out) < len(smiles) / 5
    (peptide,) = molecules_of_size(path, ["AVLKSGFTYE", "G"], 158, 0, 5)
    assert peptide.GetNumAtoms() == 158
    assert molecules_of_size(path, ["G"], 1000, 3, 5) == []


def test_time_of_a_conformer():
    assert TIMINGS[0].seconds_each == pytest.approx(0.005)
