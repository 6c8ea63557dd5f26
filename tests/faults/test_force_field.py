"""A force field that does not describe a molecule leaves its conformers alone and says so."""

import numpy as np
import pytest
from fake_generators import embedded, options

from molediff.molecules.generation.refine import refine


@pytest.mark.parametrize("smiles", ["O=C=O", "CN=C=S", "C#[N+][O-]"])
def test_relaxation_that_does_not_apply_keeps_the_conformers(smiles):
    mol = embedded(smiles)
    before = mol.GetConformer().GetPositions().copy()
    found = refine(mol, options(relax="mmff"), lambda x: np.ones(len(x), dtype=bool))
    assert len(found.rows) == 1
    np.testing.assert_array_equal(found.mol.GetConformer().GetPositions(), before)
    assert any(
        "force field not applicable" in problem and "not relaxed" in problem for problem in found.problems
    )
