import numpy as np
import pytest
from places import DATA
from rdkit import Chem

from molediff.evaluation.conformers.references import read_references
from molediff.molecules.perception.known_minima import EquivalentTerms, key_of, known_minima, table_of


@pytest.fixture(scope="module")
def minima():
    return read_references(str(DATA / "known_molecules.sdf.gz"))


def mol_of(smiles):
    return Chem.AddHs(Chem.MolFromSmiles(smiles))


def positions(mol):
    return np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])


def test_water_has_the_bonds_and_the_angle_of_water():
    bonds, angles = known_minima(mol_of("O"))
    np.testing.assert_allclose(bonds, [[0.96, 0.96]], atol=0.01)
    np.testing.assert_allclose(angles, [[104.5]], atol=3.5)


def test_all_minima_are_found_again_whatever_the_numbering(minima):
    """Values are rounded to 0.0001 Angstrom and 0.01 degrees."""
    rng = np.random.default_rng(1)
    for mol in minima:
        shuffled = Chem.RenumberAtoms(mol, rng.permutation(mol.GetNumAtoms()).tolist())
        values = EquivalentTerms(shuffled).canonical(positions(shuffled))
        for mine, known, tolerance in zip(values, known_minima(shuffled), (0.000051, 0.0051), strict=True):
            assert (np.abs(mine[:, None] - known) <= tolerance).all(-1).any(1).all(), key_of(mol)


def test_the_table_is_that_of_its_sources(minima):
    some = minima[:5]
    assert not any("/" in key_of(mol) or "@" in key_of(mol) for mol in some)
    assert all(len(known_minima(mol)[0]) == mol.GetNumConformers() for mol in some)
    assert table_of(some).count("\n") == len(some) + 2


@pytest.mark.parametrize("smiles", ["CCCCCC", "CC(N)C(=O)OC", "CCCCCCCCCCCCCCCCCC"])
def test_of_others_nothing_is_known(smiles):
    assert known_minima(mol_of(smiles)) is None


def test_isotopes_and_maps_make_no_difference_and_stereo_does():
    assert key_of(mol_of("[13CH3:7][OH:1]")) == key_of(mol_of("CO"))
    cis, trans, either = (
        known_minima(mol_of(f"[H]{a}N=N{b}[H]")) for a, b in (("/", "\\"), ("/", "/"), ("", ""))
    )
    assert len(cis[0]) == len(trans[0]) == 1
    assert len(either[0]) == 2
    assert np.abs(cis[1] - trans[1]).max() > 4
