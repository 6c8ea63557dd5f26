"""Distance geometry with all atoms, and with hydrogens put on afterwards."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.molecules.conformers import with_conformers
from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.generation.clock import Clock
from molediff.molecules.generation.embedding import Embedding, Skeleton
from molediff.molecules.generation.starts import make_starts
from molediff.molecules.graph.inputs import prepare
from molediff.molecules.graph.vocabulary import ORGANIC

MOLECULES = [
    "C[C@H](N)C(=O)N[C@@H](CO)C(=O)O",
    "C[C@]12CC[C@H]3[C@@H](CCC4=CC(=O)CC[C@]34C)[C@@H]1CC[C@@H]2O",
    "C/C=C/C[NH2+]Cc1c[nH]cn1",
    "[2H]C([2H])([2H])N1CCC[C@H]1c1cccnc1",
    "NC(=[NH2+])NCCC[C@H]([NH3+])C([O-])=O",
    "[H]/N=C(/C)c1ccccc1",
]


def embedding(smiles: str) -> Embedding:
    return Embedding(prepare(smiles, 160, ORGANIC, False), 1)


@pytest.mark.parametrize("smiles", MOLECULES)
def test_hydrogens_put_on_leave_stereo_and_bonds_as_asked_for(smiles: str):
    one = embedding(smiles)
    mol, x = one.prepared.mol, one.embed_heavy(4, 3)
    assert x.shape == (4, mol.GetNumAtoms(), 3)
    bonds = np.array([(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in mol.GetBonds()])
    lengths = np.linalg.norm(x[:, bonds[:, 0]] - x[:, bonds[:, 1]], axis=-1)
    assert lengths.min() > 0.9
    assert lengths.max() < 1.75
    for conformer in with_conformers(mol, x).GetConformers():
        found = Chem.Mol(with_conformers(mol, [conformer.GetPositions()]))
        Chem.AssignStereochemistryFrom3D(found)
        assert Chem.MolToSmiles(Chem.RemoveHs(found)) == Chem.MolToSmiles(Chem.RemoveHs(mol))


def test_hydrogens_of_stereocentres_and_where_rings_meet_are_embedded():
    mol = Chem.AddHs(Chem.MolFromSmiles("C[C@H](F)CC1CCCC2CCCCC12"))
    kept = [atom for atom in Skeleton.of(mol).mol.GetAtoms() if atom.GetAtomicNum() == 1]
    assert len(kept) == 3


def test_an_embedding_whose_time_is_up_is_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rdDistGeom, "EmbedMultipleConfs", lambda *arguments: [-1])  # as RDKit says it
    one = embedding("CCCO")
    assert np.isnan(one.embed(2, 1)).all()
    assert np.isnan(one.embed_heavy(2, 1)).all()


def test_what_eight_embeddings_fail_on_is_tried_no_more(monkeypatch: pytest.MonkeyPatch):
    tried = []
    monkeypatch.setattr(rdDistGeom, "EmbedMultipleConfs", lambda *arguments: tried.append(1) or [])
    one = embedding("C[C@H]1C[C@@H]1O")
    assert np.isnan(one.embed(50, 1)).all()
    assert np.isnan(one.embed_heavy(1, 2)).all()
    assert len(tried) == 8 + 1 + 1  # once by ETDG, and one to its end


def test_without_marks_in_rings_all_embeddings_go_on_to_their_end(monkeypatch: pytest.MonkeyPatch):
    tried = []
    monkeypatch.setattr(
        rdDistGeom, "EmbedMultipleConfs", lambda mol, num, its: tried.append((num, its.maxIterations)) or []
    )
    one = embedding("CC[C@H](N)CO")
    assert np.isnan(one.embed(50, 1)).all()
    assert np.isnan(one.embed_heavy(1, 2)).all()
    assert tried == [(50, 0), (1, 0)]  # the second by ETDG


SUGAR = "[C@@H]1O[C@H](CO)[C@H](O)[C@H](O)[C@H]1O"
CERAMIDE = f"{'C' * 22}[C@@H](O)C(=O)N[C@@H](CO{SUGAR})[C@H](O)[C@H](O)CCCCCCCCCCC(C)C"


@pytest.mark.parametrize("smiles", ["C[C@H](N)C(=O)" + "N[C@@H](C)C(=O)" * 14 + "O", CERAMIDE])
def test_long_chains_are_embedded(smiles: str):
    one = embedding(smiles)
    assert np.isfinite(one.embed_heavy(6, 1)).any()


def test_an_isomer_that_cannot_be_is_given_up_after_few_tries(monkeypatch: pytest.MonkeyPatch):
    """Trans-fused fenchone, of which each embedding of its own accord takes RDKit seconds."""
    made, embed = [], rdDistGeom.EmbedMultipleConfs

    def counted(mol: Chem.Mol, num: int, parameters: rdDistGeom.EmbedParameters) -> object:
        made.append(num * parameters.maxIterations)
        return embed(mol, num, parameters)

    monkeypatch.setattr(rdDistGeom, "EmbedMultipleConfs", counted)
    one = embedding("CC1(C)[C@@H]2CC[C@]1(C)C(=O)C2")
    assert np.isnan(one.embed_heavy(50, 1)).all()
    assert np.isnan(one.embed(3, 1)).all()
    assert made.count(0) == 1  # RDKit chooses then, ten times the atoms
    assert sum(made) <= 9 * 40


@pytest.mark.parametrize("smiles", ["C1CCC/C=C/CC1", "C1[C@H]2[C@H]3[C@@H]1[C@@H]23", "C1C[C@H]2C[C@@H]12"])
def test_what_takes_dozens_of_tries_is_embedded(smiles: str):
    one = embedding(smiles)
    assert np.isfinite(one.embed(6, 1)).all(axis=(1, 2)).sum() >= 5


@pytest.mark.parametrize("num", [1, 2, 10])
def test_what_etkdg_cannot_embed_is_embedded_by_etdg(num: int):
    one = embedding("CN=S=O")  # the knowledge of ETKDGv3 has it straight
    assert np.isfinite(one.embed_heavy(num, 1)).all()
    assert np.isfinite(one.embed(1, 2)).all()


def test_a_limit_of_time_changes_no_embedding_and_ends_them_all_when_it_is_up():
    prepared = prepare("CCOC(=O)c1ccccc1", 160, ORGANIC, False)
    whole = Embedding(prepared, 1).embed(3, seed=5)
    np.testing.assert_array_equal(Embedding(prepared, 1, Clock(1000.0)).embed(3, seed=5), whole)
    np.testing.assert_array_equal(
        Embedding(prepared, 1, Clock(1000.0)).embed_heavy(3, seed=5),
        Embedding(prepared, 1).embed_heavy(3, seed=5),
    )
    late = Clock(1e-9)
    late.start()
    assert np.isnan(Embedding(prepared, 1, late).embed(3, seed=5)).all()


def mmff_energy(mol: Chem.Mol, x: np.ndarray) -> float:
    return MMFF(with_conformers(mol, [x])).energy()


def test_relaxation_takes_strain_away_and_leaves_the_stereo():
    one = embedding("C[C@H](N)C(=O)N[C@@H](CO)C(=O)O")
    x = one.embed(1, 1)[0]
    strained = x + np.random.default_rng(1).normal(scale=0.05, size=x.shape)
    relaxed = one.relaxed(strained)
    assert mmff_energy(one.prepared.mol, relaxed) < mmff_energy(one.prepared.mol, x)
    found = with_conformers(one.prepared.mol, [relaxed])
    Chem.AssignStereochemistryFrom3D(found)
    assert Chem.MolToSmiles(Chem.RemoveHs(found)) == Chem.CanonSmiles("C[C@H](N)C(=O)N[C@@H](CO)C(=O)O")


@pytest.mark.parametrize("smiles", ["CB(O)OCC", "CCO[O-]"])  # amended, and by UFF
def test_what_mmff_does_not_know_is_relaxed_all_the_same(smiles):
    one = embedding(smiles)
    x = one.embed(1, 1)[0]
    stretched = 1.2 * x
    bonds = [(bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()) for bond in one.prepared.mol.GetBonds()]
    far, near = (
        max(np.linalg.norm(y[i] - y[j]) for i, j in bonds) for y in (stretched, one.relaxed(stretched))
    )
    assert near < 1.65 < far


def test_where_there_is_no_structure_there_is_none_to_relax():
    one = embedding("CCO")
    assert np.isnan(one.relaxed(np.full((9, 3), np.nan))).all()


def test_a_line_search_of_rdkit_that_breaks_off_leaves_no_embedding(monkeypatch: pytest.MonkeyPatch):
    def breaks_off(*_: object) -> None:
        raise RuntimeError("Invariant Violation")

    monkeypatch.setattr(rdDistGeom, "EmbedMultipleConfs", breaks_off)
    assert np.isnan(embedding("CCO").embed(3, 1)).all()


@pytest.mark.parametrize(("init", "attempt"), [("crystal", 1), ("crystal", 2), ("etkdg", 2)])
def test_what_failed_begins_anew_with_a_relaxed_structure(init: str, attempt: int):
    one = embedding("COc1ccc(C[C@H](N)C(=O)NCC)cc1")
    starts = make_starts(one.prepared, init, 4, 1)
    first, again = starts.positions((0, 1), 0), starts.positions((0, 1), attempt)
    before, after = (np.mean([mmff_energy(one.prepared.mol, x) for x in y]) for y in (first, again))
    assert after < before + 10
    assert np.abs(first - again).max(axis=(1, 2)).min() > 0.1
