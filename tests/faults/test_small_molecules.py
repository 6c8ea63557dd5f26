"""Molecules of a few atoms, which the default weights once had wrong: what they give now is measured here."""

import numpy as np
import pytest
from rdkit.Chem import rdMolTransforms

from molediff.molecules import Strain
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.perception.known_minima import EquivalentTerms, known_minima

# GFN2-xTB's and the textbook's bond, Angstrom, and what a sample may differ by.
BONDS = [
    ("OO", (0, 1), 1.45),
    ("NN", (0, 1), 1.44),
    ("[H]/N=N/[H]", (1, 2), 1.24),
    ("C#N", (0, 1), 1.15),
    ("CO", (0, 1), 1.42),
    ("C#C", (0, 1), 1.20),
    ("COO", (1, 2), 1.45),
    ("NF", (0, 1), 1.42),
    ("C[N+]#[C-]", (0, 1), 1.42),
    ("C=[N+]=[N-]", (0, 1), 1.29),
    ("C=[N+]=[N-]", (1, 2), 1.14),
    ("C=C=O", (0, 1), 1.31),
    ("CN=[N+]=[N-]", (0, 1), 1.47),
    ("O=C=O", (0, 1), 1.15),
    ("OOO", (0, 1), 1.39),
    ("C/N=N/C", (1, 2), 1.245),
]
BOND_TOLERANCE = 0.07
ANGLES = [
    ("OO", (2, 0, 1), 100),
    ("O", (1, 0, 2), 106),
    ("C#N", (2, 0, 1), 180),
    ("NN", (2, 0, 1), 107),
    ("N", (1, 0, 2), 108),
    ("[CH3-]", (1, 0, 2), 102),
]
ANGLE_TOLERANCE = 9
TRANS_CYCLOOCTENE = "C1CCC/C=C/CC1"
STRAINED_ONCE = ("COO", "COOO", "NN", "NF", "[CH3-]", "OO", "CNC(C)=O")
"""Of these strains of 25 to 88 kcal/mol were once called right."""


def positions(result):
    return np.stack([conformer.GetPositions() for conformer in result.mol.GetConformers()])


@pytest.fixture(scope="module")
def generator():
    return ConformerGenerator.from_pretrained("qm9", device="cpu")


@pytest.fixture(scope="module")
def results(generator):
    """Of all molecules below, four conformers each."""
    smiles = sorted({row[0] for row in (*BONDS, *ANGLES)} | {"FC=C=CF", "C=C=C=C", TRANS_CYCLOOCTENE})
    return dict(zip(smiles, generator.generate_many(smiles, 4, seed=1), strict=True))


@pytest.mark.parametrize(("smiles", "atoms", "length"), BONDS)
def test_bonds_are_those_of_the_molecule(results, smiles, atoms, length):
    result = results[smiles]
    assert (result.status, result.reason) == ("ok", "")
    found = [rdMolTransforms.GetBondLength(conformer, *atoms) for conformer in result.mol.GetConformers()]
    assert np.abs(np.array(found) - length).max() < BOND_TOLERANCE


@pytest.mark.parametrize(("smiles", "atoms", "degrees"), ANGLES)
def test_angles_are_those_of_the_molecule(results, smiles, atoms, degrees):
    found = [
        rdMolTransforms.GetAngleDeg(conformer, *atoms) for conformer in results[smiles].mol.GetConformers()
    ]
    assert len(found) == 4
    assert np.abs(np.array(found) - degrees).max() < ANGLE_TOLERANCE


@pytest.mark.parametrize(
    ("smiles", "ends", "away_from"), [("FC=C=CF", (0, 1, 3, 4), 90.0), ("C=C=C=C", (4, 0, 3, 6), 0.0)]
)
def test_cumulenes_end_perpendicular_or_in_one_plane(results, smiles, ends, away_from):
    mol = results[smiles].mol
    assert mol.GetNumConformers() == 4
    for conformer in mol.GetConformers():
        twist = abs(rdMolTransforms.GetDihedralDeg(conformer, *ends))
        assert min(abs(twist - away_from), abs(180 - twist - away_from)) < 25


def test_trans_cyclooctene_is_returned(results):
    assert (results[TRANS_CYCLOOCTENE].status, results[TRANS_CYCLOOCTENE].reason) == ("ok", "")


@pytest.mark.parametrize("smiles", STRAINED_ONCE)
def test_what_is_returned_lies_near_a_minimum(generator, smiles):
    """Within 8 kcal/mol of GFN2-xTB."""
    pytest.importorskip("tblite")
    result = generator.generate(smiles, 4, seed=1, checks=[Strain("gfn2", 8.0)])
    assert (result.status, result.num_rejected.get("strain", 0)) == ("ok", 0)


@pytest.mark.parametrize("smiles", ["N=N", "OO", "C=NN", "OC#CO", "NC=C", "C#CF", "NNN"])
def test_no_known_molecule_is_handed_out_beside_its_minima(generator, smiles):
    """All bonds within 0.03 Angstrom and all angles within 4 degrees; what the weights do not know they refuse."""
    result = generator.generate(smiles, 6, seed=2)
    if result.num_conformers:
        found, minima = EquivalentTerms(result.mol), known_minima(result.mol)
        apart = [
            mine[:, None] - known
            for mine, known in zip(found.canonical(positions(result)), minima, strict=True)
        ]
        near = (np.abs(apart[0]) <= 0.03).all(-1) & (np.abs(apart[1]) <= 4.0).all(-1)
        assert near.any(1).all()
    if result.num_conformers < 6:
        assert "relax='gfn2' ends in one" in result.reason


@pytest.mark.parametrize("smiles", ["OC#CO", "NNN"])
def test_relaxation_needs_no_sample_at_a_minimum(generator, smiles):
    """Samples beside the minimum are where it begins."""
    pytest.importorskip("tblite")
    assert generator.generate(smiles, 2, seed=2, relax="gfn2").status == "ok"


@pytest.mark.parametrize(
    ("weights", "smiles"),
    [("drugs", "C#CN"), ("qm9_b3lyp", "C#N"), ("qm9_b3lyp", "C12C3C1C23")],
)
def test_weights_that_do_not_know_a_molecule_name_those_that_do(weights, smiles):
    result = ConformerGenerator.from_pretrained(weights, device="cpu").generate(smiles, 4, seed=1)
    assert result.num_conformers < 4
    assert "try the weights 'qm9', as 'auto' does" in result.reason
    assert "max_attempts" not in result.reason


@pytest.mark.parametrize(
    ("weights", "smiles", "told"),
    [("drugs", "O=C1OCCCOC1=O", True), ("auto", "O=C1OCCCOC1=O", False), ("drugs", "CCO", False)],
)
def test_what_others_know_better_comes_with_a_word(weights, smiles, told):
    result = ConformerGenerator.from_pretrained(weights, device="cpu").generate(smiles, 1, seed=1)
    assert result.status == "ok"
    assert ("may strain them; the weights 'qm9' do, which 'auto' takes" in result.reason) is told


@pytest.mark.parametrize("weights", ["auto", "drugs", "qm9", "qm9_fast"])
def test_no_weights_are_named_for_molecules_that_none_return(weights):
    smiles = "NC12CC1C2"
    result = ConformerGenerator.from_pretrained(weights, device="cpu").generate(smiles, 2, seed=1)
    assert result.status == "failed"
    assert "no weights that ship are known to return such molecules" in result.reason
    assert "try" not in result.reason


@pytest.mark.parametrize("smiles", ["C1C2CC12", "CC(C)N=C=NC(C)C"])
def test_where_the_first_of_the_default_weights_return_nothing_others_do(smiles):
    narrow = ConformerGenerator.from_pretrained("qm9", device="cpu").generate(smiles, 2, seed=1)
    assert narrow.status == "failed"
    assert "or the weights 'drugs'" in narrow.reason
    result = ConformerGenerator.from_pretrained(device="cpu").generate(smiles, 2, seed=1)
    assert (result.status, result.provenance["weights"]) == ("ok", "drugs")
