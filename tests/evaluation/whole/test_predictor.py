"""The judge of properties finds what a graph tells."""

import numpy as np
import torch
from rdkit import Chem

from molediff.evaluation.whole.predictor import codes_of, fit_predictor

PARTS = ("C", "CC", "O", "N", "C(C)", "C(O)", "C=C")


def chains(num, seed):
    rng = np.random.default_rng(seed)
    return [Chem.MolFromSmiles("C" + "".join(rng.choice(PARTS, 3)) + "C") for _ in range(num)]


def oxygens(mols):
    return np.array([[sum(atom.GetAtomicNum() == 8 for atom in mol.GetAtoms()) - 1.0] for mol in mols])


def test_a_property_that_is_a_sum_over_atoms_is_found_and_global_random_states_are_left_alone():
    mols, others = chains(600, 0), chains(100, 1)
    before = torch.get_rng_state()
    judge = fit_predictor([codes_of(mol) for mol in mols], oxygens(mols), num_passes=10, batch_size=32)
    assert torch.equal(torch.get_rng_state(), before)
    errors = np.abs(judge.predict(others) - oxygens(others))
    assert errors.mean() < 0.1


def test_hydrogens_and_numbering_do_not_matter():
    mol = Chem.MolFromSmiles("CC(=O)Nc1ccco1")
    turned = Chem.RenumberAtoms(mol, list(reversed(range(mol.GetNumAtoms()))))
    assert sorted(codes_of(mol)) == sorted(codes_of(turned)) == sorted(codes_of(Chem.AddHs(mol)))
