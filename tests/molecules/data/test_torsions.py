"""Torsions measured in structures, and the file that ships."""

from itertools import pairwise
from pathlib import Path

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolTransforms

from molediff.molecules.data.minima import connectivity_key, read_keys
from molediff.molecules.data.torsion_batches import heavy_features, torsion_datamodule
from molediff.molecules.data.torsions import Torsions, measure_torsions
from molediff.networks.torsion_batch import CRYSTAL, MINIMUM
from tests.fake_generators import embedded
from tests.places import DATA

SMILES = ["CCOC(=O)c1cccc(Br)c1", "C[C@H](O)CSCC", "CCCCN"]


def test_torsions_are_told_in_the_order_of_the_smiles():
    mols = [embedded(one) for one in SMILES]
    shuffled = [Chem.RenumberAtoms(mol, list(reversed(range(mol.GetNumAtoms())))) for mol in mols]
    torsions = measure_torsions([(mol, CRYSTAL) for mol in shuffled])
    names = torsions.smiles_list()
    assert {Chem.CanonSmiles(one) for one in SMILES} == set(names)
    for mol in shuffled:
        name = Chem.MolToSmiles(Chem.RemoveHs(mol))
        row = names.index(name)
        numbered = Chem.RenumberAtoms(
            Chem.RemoveHs(mol), list(Chem.RemoveHs(mol).GetSubstructMatch(Chem.MolFromSmiles(name)))
        )
        for four, degrees in zip(
            torsions.atoms[torsions.molecule == row], torsions.degrees[torsions.molecule == row], strict=True
        ):
            found = rdMolTransforms.GetDihedralDeg(numbered.GetConformer(), *map(int, four))
            assert abs((found - degrees + 180) % 360 - 180) <= 0.51


def test_excluded_molecules_are_left_out():
    mols = [(embedded(one), MINIMUM) for one in SMILES]
    torsions = measure_torsions(mols, {connectivity_key("C[C@@H](O)CSCC")})
    assert len(torsions.smiles_list()) == 2
    assert set(torsions.source.tolist()) == {MINIMUM}


def test_batches_hold_the_torsions_of_their_molecules(tmp_path: Path):
    measure_torsions([(embedded(one), CRYSTAL) for one in SMILES]).save(tmp_path / "torsions.npz")
    data = torsion_datamodule(str(tmp_path / "torsions.npz"), most_pairs=1000)
    sizes, torsions, _ = data.train.batch(range(len(data.train)))
    assert len(sizes) == len(torsions.atoms) == len(torsions.molecule)
    for graph, four in zip(torsions.molecule.tolist(), torsions.atoms.tolist(), strict=True):
        bonded = torsions.graph.pair_codes[graph, ..., 0] > 0
        assert all(bool(bonded[a, b]) for a, b in pairwise(four))


def test_hydrogens_are_left_out_of_the_features():
    assert len(heavy_features("CCO").node_codes) == 3


def test_no_benchmark_molecule_is_in_the_file_that_ships():
    torsions = Torsions.read(DATA / "torsions.npz")
    smiles, keys = torsions.smiles_list(), [key.decode() for key in torsions.keys.tolist()]
    assert len(smiles) == len(keys)
    for name in ("benchmark_keys.txt.gz", "crystal_inchikey14.txt"):
        assert not read_keys(DATA / name) & set(keys)
    for row in np.random.default_rng(0).choice(len(smiles), 300, replace=False):
        assert connectivity_key(smiles[row]) == keys[row]
