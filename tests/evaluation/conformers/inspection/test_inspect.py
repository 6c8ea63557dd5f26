"""What is said of conformers whose faults are known, because they were made so."""

import re

import numpy as np
import pytest
from fake_generators import embedded
from places import DATA
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from molediff.evaluation.conformers.inspection.ensembles import OwnMolecule, of_result, read_own
from molediff.evaluation.conformers.inspection.findings import findings
from molediff.evaluation.conformers.inspection.inspect import inspect
from molediff.evaluation.conformers.inspection.page import kind_of
from molediff.evaluation.conformers.inspection.report import report
from molediff.molecules.conformers import with_conformers
from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.generation.checks import RingFusion
from molediff.molecules.generation.result import GenerationResult


def moved(smiles: str, atom: int, shift) -> Chem.Mol:
    """A relaxed molecule, and a second conformer with one atom moved."""
    mol = embedded(smiles)
    x = mol.GetConformer().GetPositions()
    spoilt = x.copy()
    spoilt[atom] += shift
    return with_conformers(mol, [x, spoilt])


def own(mol: Chem.Mol, **more) -> OwnMolecule:
    return OwnMolecule("x", mol, **more)


def titles(found) -> list[str]:
    return [title for title, _ in found.warnings]


def test_of_a_good_conformer_nothing_is_odd():
    found = inspect(own(embedded("CC(=O)NC")))
    assert found.findings == ()
    assert found.warnings == ()
    assert found.strain == pytest.approx([0.0], abs=0.05)
    assert found.passed.tolist() == [True]


def test_a_long_bond_is_named_with_its_atoms_its_length_and_what_is_usual():
    mol = embedded("CO")
    x = mol.GetConformer().GetPositions()
    axis = (x[1] - x[0]) / np.linalg.norm(x[1] - x[0])
    hydrogen = next(i for i in range(2, 6) if mol.GetBondBetweenAtoms(1, i))
    spoilt = x.copy()
    spoilt[[1, hydrogen]] += axis * (1.9 - np.linalg.norm(x[1] - x[0]))
    found = findings(with_conformers(mol, [x, spoilt]))
    bonds = [finding for finding in found if finding.sort == "bond_length"]
    assert [finding.conformers for finding in bonds] == [(1,)]
    assert bonds[0].text.startswith("bond C0–O1: 1.900 Å, usual 1.")


def test_a_clash_and_its_conformer_are_found():
    mol = embedded("CCCCCC")
    x = mol.GetConformer().GetPositions()
    spoilt = x.copy()
    spoilt[5] = x[0] + [0.9, 0.0, 0.0]
    found = inspect(own(with_conformers(mol, [x, spoilt])))
    assert "clashes" in titles(found)
    assert found.passed.tolist() == [True, False]
    assert "clash" in found.failed_checks(1)
    assert found.failed_checks(0) == []


def test_small_rings_that_are_fused_trans_are_found():
    mol = Chem.AddHs(Chem.MolFromSmiles("C1CC2CC2C1"))
    rdDistGeom.EmbedMultipleConfs(mol, 20, randomSeed=7)
    x = np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])
    is_cis = RingFusion(mol).passes(x)
    assert 0 < is_cis.sum() < len(x)
    fused = [finding for finding in findings(mol) if finding.sort == "ring_fusion"]
    assert [finding.conformers for finding in fused] == [tuple(np.flatnonzero(~is_cis).tolist())]
    assert re.fullmatch(r"ring fusion H\d+–C2–C4–H\d+: 1\d\d°, usual at most 90°", fused[0].text)
    assert "trans-fused rings" in titles(inspect(own(mol)))


def test_the_other_hand_is_not_as_asked():
    mol = embedded("C[C@H](O)F")
    x = mol.GetConformer().GetPositions()
    both = with_conformers(mol, [x, x * [1, 1, -1]])
    found = inspect(own(both, asks_stereo=True))
    assert titles(found)[0] == "stereo not as asked"
    assert found.passed.tolist() == [True, False]
    assert "stereo not as asked" not in titles(inspect(own(both)))  # nobody asked


def test_strain_is_the_energy_above_the_next_minimum():
    mol = moved("CCO", 0, [0.0, 0.15, 0.0])
    found = inspect(own(mol))
    field = MMFF(Chem.Mol(mol))
    height = field.energy(1) - field.energy(0)
    assert found.strain[0] == pytest.approx(0.0, abs=0.05)
    assert found.strain[1] == pytest.approx(height, abs=0.1)  # it falls back to the first
    assert found.energies.tolist() == pytest.approx([0.0, height], abs=1e-6)
    assert ("strain" in titles(found)) == (height > 8.0)


def test_spread_is_the_mean_distance_of_pairs():
    mol = embedded("OO")
    x = mol.GetConformer().GetPositions()
    x[:] = [[0, 0, 0], [1.4, 0, 0], [0, 0.97, 0], [1.4, -0.97, 0]]
    longer = x + np.array([[0, 0, 0], [0.4, 0, 0], [0, 0, 0], [0.4, 0, 0]])
    found = inspect(own(with_conformers(mol, [x, longer, x])))
    # A bond longer by d moves both atoms by d / 2: the RMSD is 0.2; two pairs of the three have it.
    assert found.spread == pytest.approx(2 * 0.2 / 3, abs=1e-6)
    assert "alike" in titles(found)


def test_energies_of_the_file_go_before_those_of_the_force_field():
    mol = moved("CCO", 0, [0.0, 0.1, 0.0])
    found = inspect(own(mol, energies=np.array([-7.0, -9.0]), energy_method="GFN2-xTB"))
    assert found.energy_method == "GFN2-xTB"
    assert found.energies.tolist() == [2.0, 0.0]
    assert found.weights.sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("given", "title", "words"),
    [
        (OwnMolecule("x", None, "why"), "failed", "why"),
        (OwnMolecule("x", Chem.AddHs(Chem.MolFromSmiles("CC"))), "failed", "no conformer"),
        (OwnMolecule("x", Chem.RemoveHs(embedded("CCO"))), "not measured", "Hydrogens are missing"),
        (OwnMolecule("x", moved("CCO", 0, [np.nan, 0, 0])), "failed", "not finite"),
    ],
)
def test_what_cannot_be_measured_says_why(given, title, words):
    found = inspect(given)
    assert title in titles(found)
    assert words in dict(found.warnings)[title]


def test_fewer_conformers_than_asked_and_the_reason_are_warnings():
    mol = embedded("CCO")
    result = GenerationResult("CCO", mol, "partial", "2 of 3 conformers missing", 3, 1)
    warnings = dict(inspect(of_result(result, "x")).warnings)
    assert warnings == {"incomplete": "1 of 3 conformers", "note": "2 of 3 conformers missing"}


def test_fewer_conformers_because_duplicates_were_left_out_are_no_fault():
    result = GenerationResult("CCO", embedded("CCO"), "ok", "", 3, 1, num_pruned=2)
    found = inspect(of_result(result, "x"))
    assert titles(found) == ["distinct"]
    assert "2 were left out" in dict(found.warnings)["distinct"]
    assert kind_of(found) == "fine"


@pytest.mark.parametrize(
    "smiles", ["[He]", "[H][H]", "C", "C[Si](C)(C)C", "OB(O)c1ccccc1", "C[Se]C", "[NH3+]CC(=O)[O-]"]
)
def test_every_kind_of_molecule_gets_an_answer(smiles):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    x = np.random.default_rng(0).normal(size=(2, mol.GetNumAtoms(), 3)) * 3
    found = inspect(own(with_conformers(mol, x), asks_stereo=True))
    assert len(found.strain) == 2
    assert found.num_conformers == 2


@pytest.mark.slow
def test_minima_of_quantum_chemistry_are_hardly_ever_odd():
    """GFN2-xTB minima of QM9's test split: a report must not cry wolf."""
    some = [own for _, own in zip(range(60), read_own([str(DATA / "ensembles_test.sdf.gz")]), strict=False)]
    found = [inspect(own) for own in some]
    num = sum(f.num_conformers for f in found)
    assert num > 300
    assert sum(int(f.passed.sum()) for f in found) / num > 0.97


def test_a_mol_that_rdkit_cannot_read_any_more_ends_no_report(tmp_path):
    """MMFF's idea of aromaticity, which RDKit leaves on what it relaxes, has no Kekule structure with this ring."""
    mol = Chem.AddHs(Chem.MolFromSmiles("CN1C=NP2(=N1)OCCCO2"))
    rdDistGeom.EmbedMultipleConfs(mol, 2, randomSeed=1)
    rdForceFieldHelpers.MMFFOptimizeMoleculeConfs(mol)
    found = inspect(own(mol))
    assert titles(found) == ["failed"]
    assert found.num_conformers == 0
    assert "KekulizeException" in found.warnings[0][1]
    summary = report([embedded("CO"), mol], tmp_path / "page.html")
    assert (summary.num_molecules, summary.num_conformers, summary.num_without) == (2, 1, 1)
