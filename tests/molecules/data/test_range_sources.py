"""Which geometries the table of ranges is made from."""

import numpy as np
from fake_generators import embedded
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.molecules.data.minima import Minima, pack_minima
from molediff.molecules.data.range_sources import build_ranges, is_whole, read_set


def packed(tmp_path, energies, spoil=None):
    """A file of minima of propanol, one for each energy, whose coordinates `spoil` changes."""
    with Chem.SDWriter(str(tmp_path / "minima.sdf")) as writer:
        for energy in energies:
            mol = embedded("CCCO")
            mol.SetProp("smiles", "CCCO")
            mol.SetDoubleProp("relative_energy_kcal_mol", energy)
            if spoil is not None:
                mol.GetConformer().SetPositions(spoil(mol.GetConformer().GetPositions()))
            writer.write(mol)
    pack_minima(tmp_path / "minima.sdf")[0].save(tmp_path / "minima.npz")
    return str(tmp_path / "minima.npz")


def test_minima_far_above_the_lowest_are_left_out(tmp_path):
    name = packed(tmp_path, [0.0, 5.9, 6.1, 20.0])
    assert len(Minima.read(name).molecule) == 4
    assert len(list(read_set(name))) == 2


def test_a_packed_minimum_is_the_molecule_with_its_coordinates(tmp_path):
    (mol,) = read_set(packed(tmp_path, [0.0]))
    x = embedded("CCCO").GetConformer().GetPositions()
    assert Chem.MolToSmiles(Chem.RemoveHs(mol)) == "CCCO"
    np.testing.assert_allclose(mol.GetConformer().GetPositions(), x - x.mean(0), atol=1e-3)


def test_what_has_come_apart_is_no_minimum_of_the_molecule(tmp_path):
    def pulled(x):
        x[-1] += 2.0
        return x

    assert list(read_set(packed(tmp_path, [0.0], pulled))) == []
    mol = embedded("FF")
    assert is_whole(mol)
    mol.GetConformer().SetPositions(mol.GetConformer().GetPositions() * 0.5)
    assert not is_whole(mol)


def test_small_molecules_count_as_if_they_had_been_seen_often(tmp_path):
    ranges = build_ranges([packed(tmp_path, [0.0, 1.0])])
    assert ranges.find("bond_length", ["1|C|O"]).num == 2 * 24


def test_rare_sets_add_to_rare_kinds_alone(tmp_path):
    """Ranges of ethanol stay what they are, however wide the bonds beside boron are."""
    with Chem.SDWriter(str(tmp_path / "rare.sdf")) as writer:
        mol = Chem.AddHs(Chem.MolFromSmiles("CCB(O)O"))
        rdDistGeom.EmbedMolecule(mol, randomSeed=1)
        mol.SetProp("smiles", "CCB(O)O")
        writer.write(mol)
    pack_minima(tmp_path / "rare.sdf")[0].save(tmp_path / "rare.npz")
    sets, rare = [packed(tmp_path, [0.0, 1.0])], [str(tmp_path / "rare.npz")]
    without, found = build_ranges(sets), build_ranges(sets, rare=rare)
    for sort, name in (("bond_length", "1|C|C"), ("bond_length", "1|C|H"), ("contact", "|C|H")):
        assert found.find(sort, [name]) == without.find(sort, [name])
    assert without.find("bond_length", ["1|B|C"]) is None
    assert found.find("bond_length", ["1|B|C"]) is not None
    assert found.find("bond_length", ["1|H|O"]) == without.find("bond_length", ["1|H|O"])
