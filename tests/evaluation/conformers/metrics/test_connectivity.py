from rdkit import Chem

from molediff.evaluation.conformers.metrics.connectivity import connectivity_matches


def test_true_for_a_sound_structure(embed):
    assert connectivity_matches(embed("CC(=O)N[C@@H](C)C#N", num_conformers=2)).tolist() == [True, True]


def test_torn_bond_and_new_bond_are_seen(embed):
    mol = embed("OCCO", num_conformers=3)
    torn = mol.GetConformer(1).GetPositions()
    torn[0] += 3.0
    mol.GetConformer(1).SetPositions(torn)
    fused = mol.GetConformer(2).GetPositions()
    fused[0] = fused[3] + [0.9, 0.9, 0.0]
    mol.GetConformer(2).SetPositions(fused)
    assert connectivity_matches(mol).tolist() == [True, False, False]


def test_no_conformers_no_answer():
    assert connectivity_matches(Chem.AddHs(Chem.MolFromSmiles("CC"))).shape == (0,)
