"""Weights that refine: what they begin with, and what comes of it."""

import numpy as np
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdDistGeom
from torch import Tensor, nn

from molediff.core.geometry.space import ZeroCentreOfMass
from molediff.core.model import DiffusionModel
from molediff.core.paths import CosineVP
from molediff.core.target import Sample
from molediff.molecules.data.twists import turned_onto
from molediff.molecules.energies.mmff import MMFF, MMFFDescent
from molediff.molecules.generation import job, piece_pool
from molediff.molecules.generation.embedding import Embedding
from molediff.molecules.generation.piece_pool import differs_beyond_rotors
from molediff.molecules.generation.result import GenerationResult
from molediff.molecules.generation.starts import make_starts
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.graph.inputs import molecule_key, prepare, sample_generator
from molediff.molecules.graph.vocabulary import ORGANIC
from molediff.molecules.spread import ConformerDistances
from tests.fake_generators import knowing

METADATA = {"sampling": {"solver": "ddim", "lambdas": [2.2, 3.6], "init": "etkdg"}}


class LeavesAlone(nn.Module):
    """Takes what it sees for clean."""

    node_cardinalities = ORGANIC.node_cardinalities

    def forward(self, x: Tensor, lambda_: Tensor, graph: object) -> Tensor:
        return x / torch.sigmoid(2 * lambda_).sqrt()[:, None, None]


def leaving_alone() -> ConformerGenerator:
    model = DiffusionModel(LeavesAlone(), CosineVP(), Sample(), ZeroCentreOfMass(), 2.5)
    return ConformerGenerator(model, METADATA, device="cpu")


@pytest.fixture(autouse=True)
def no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """RDKit's own conformers do not have the bonds and angles that are asked of ours."""
    monkeypatch.setattr(job, "standard_checks", lambda mol: [])


def positions(mol: Chem.Mol) -> np.ndarray:
    return np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])


def test_where_nothing_is_mended_conformers_are_those_of_rdkit():
    result = leaving_alone().generate("CC(O)CS(=O)(=O)c1ccc(Br)cc1", 3, seed=4)
    assert result.status == "ok"
    found = positions(result.mol)
    mol = Chem.Mol(result.mol)
    parameters = rdDistGeom.ETKDGv3()
    parameters.randomSeed, parameters.timeout = _seed_of(result), 20
    rdDistGeom.EmbedMultipleConfs(mol, 3, parameters)
    for x, y in zip(found, positions(mol), strict=True):
        np.testing.assert_allclose(turned_onto(x, y), y, atol=1e-4)


def _seed_of(result: GenerationResult) -> int:
    return 1 + sample_generator(result.seed, molecule_key(result.mol), 0, 0).initial_seed() % 10_000


def test_given_conformers_are_taken_in_turn():
    mol = Chem.AddHs(Chem.MolFromSmiles("CC(C)CO"))
    rdDistGeom.EmbedMultipleConfs(mol, 2, randomSeed=1)
    found = positions(leaving_alone().generate(mol, 5, init="given").mol)
    given = positions(mol)
    for i, x in enumerate(found):
        np.testing.assert_allclose(x, given[i % 2] - given[i % 2].mean(0), atol=1e-4)


def test_more_conformers_go_on_where_fewer_ended():
    few, more = (positions(leaving_alone().generate("CCCCO", num, seed=2).mol) for num in (2, 6))
    np.testing.assert_allclose(more[:2], few, atol=1e-6)


def test_a_pool_is_embedded_whole():
    result = leaving_alone().generate("CCCCO", 2, seed=2, pool=5, select="spread")
    assert result.status == "ok"
    assert result.num_drawn == 5


def test_a_smiles_has_no_conformers_to_give():
    result = leaving_alone().generate("CCO", 2, init="given")
    assert result.status == "failed"
    assert "needs a Mol with at least one 3D conformer" in result.reason


def test_what_cannot_be_embedded_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rdDistGeom, "EmbedMultipleConfs", lambda *arguments: [])
    result = leaving_alone().generate("CCCO", 2, max_attempts=2)
    assert result.status == "failed"
    assert result.num_rejected == {"embedding": 4}
    assert "init='given'" in result.reason


def test_weights_that_begin_with_noise_take_no_start():
    with pytest.raises(ValueError, match="begin with noise"):
        knowing("CCO").generate("CCO", 1, init="etkdg")


def test_an_unknown_start_is_refused():
    with pytest.raises(ValueError, match="init must be one of None, 'etkdg', 'given', 'crystal', 'minima'"):
        leaving_alone().generate("CCO", 1, init="crystals")


def test_elements_are_those_of_the_weights():
    assert leaving_alone().generate("CCl", 1).status == "ok"
    failed = knowing("CCO").generate("CCl", 1)
    assert failed.reason.startswith("Only H, C, N, O and F are supported, not Cl: ")


def test_larger_molecules_are_taken_than_with_weights_of_qm9():
    assert leaving_alone().max_atoms == 160
    assert knowing("CCO").max_atoms == 64


def test_given_coordinates_that_are_no_numbers_are_named():
    mol = Chem.AddHs(Chem.MolFromSmiles("CCO"))
    rdDistGeom.EmbedMultipleConfs(mol, 2, randomSeed=1)
    mol.GetConformer(1).SetAtomPosition(3, [np.nan, 0.0, 0.0])
    result = leaving_alone().generate(mol, 2, init="given")
    assert result.status == "failed"
    assert "conformer 1 has coordinates that are no numbers" in result.reason


def test_given_conformers_of_another_hand_are_told_apart():
    mol = Chem.AddHs(Chem.MolFromSmiles("C[C@H](F)O"))
    rdDistGeom.EmbedMultipleConfs(mol, 3, randomSeed=1)
    assert "another stereo" not in leaving_alone().generate(mol, 3, init="given").reason
    mirrored = mol.GetConformer(2).GetPositions() * np.array([1.0, 1.0, -1.0])
    mol.GetConformer(2).SetPositions(mirrored)
    result = leaving_alone().generate(mol, 3, init="given")
    assert "1 of 3 conformers given with another stereo than the marks" in result.reason
    assert (result.num_conformers, result.num_reflected) == (3, 0)  # the network never saw the other hand


# Torsions drawn anew -------------------------------------------------------------------------------------------------


@pytest.fixture
def no_force_field(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts as they are drawn."""
    monkeypatch.setattr(MMFFDescent, "go_on", lambda *_: None)
    monkeypatch.setattr(MMFFDescent, "energies", property(lambda descent: np.zeros(len(descent.x))))


FLEXIBLE = "COc1ccc(C[C@H](N)C(=O)NCC)cc1"


@pytest.mark.usefixtures("no_force_field")
@pytest.mark.parametrize("init", ["crystal", "minima"])
def test_torsions_drawn_anew_keep_bonds_angles_and_stereo_and_are_more_varied(init: str):
    result = leaving_alone().generate(FLEXIBLE, 20, seed=1, init=init)
    assert result.status == "ok"
    mol, embedded = result.mol, leaving_alone().generate(FLEXIBLE, 20, seed=1, init="etkdg").mol
    near = Chem.GetDistanceMatrix(mol) <= 2
    means = [
        np.linalg.norm(x[:, :, None] - x[:, None], axis=-1).mean(0)[near]
        for x in map(positions, (mol, embedded))
    ]
    np.testing.assert_allclose(*means, atol=0.06)
    for conformer in mol.GetConformers():
        one = Chem.Mol(mol, confId=conformer.GetId())
        Chem.AssignStereochemistryFrom3D(one)
        assert Chem.MolToSmiles(Chem.RemoveHs(one)) == Chem.CanonSmiles(FLEXIBLE)
    spread = [ConformerDistances(x).matrix()[np.triu_indices(20, 1)].mean() for x in (mol, embedded)]
    assert spread[0] > spread[1]


def test_torsions_drawn_anew_depend_on_seed_and_slot_not_on_what_was_asked_before():
    first, again, other = (
        positions(leaving_alone().generate(FLEXIBLE, 4, seed=seed, init="crystal").mol) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


@pytest.mark.usefixtures("no_force_field")
def test_a_ring_without_rotors_begins_with_embeddings():
    found = [
        positions(leaving_alone().generate("C1CCCCCC1", 3, init=init).mol) for init in ("etkdg", "crystal")
    ]
    np.testing.assert_array_equal(*found)


def test_what_failed_is_relaxed_further_where_no_candidate_is_left(monkeypatch: pytest.MonkeyPatch):
    embedded: list[int] = []
    plain = Embedding.embed
    monkeypatch.setattr(Embedding, "embed", lambda self, *a: embedded.append(1) or plain(self, *a))
    monkeypatch.setattr(Embedding, "relaxed", lambda self, x: x)
    starts = make_starts(prepare(FLEXIBLE, 160, ORGANIC, False), "minima", 4, 1)
    torsions = starts._starts
    first, num = torsions.positions(range(4), 0), len(torsions._ordered)
    assert num > 8
    embedded.clear()
    heavy = [atom.GetAtomicNum() > 1 for atom in prepare(FLEXIBLE, 160, ORGANIC, False).mol.GetAtoms()]
    np.testing.assert_array_equal(torsions.positions([1], 1)[0][heavy], torsions._ordered[5][heavy])
    torsions._ordered = torsions._ordered[:4]
    np.testing.assert_array_equal(torsions.positions([1], 1)[0][heavy], first[1][heavy])
    assert not embedded
    torsions.positions([1], 2)
    assert embedded


def test_candidates_too_high_to_be_chosen_are_left_out_half_way(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def energies(descent: MMFFDescent) -> np.ndarray:
        return np.where(np.arange(len(descent.x)) % 2, 1.0, 100.0)

    monkeypatch.setattr(MMFFDescent, "go_on", lambda descent, *_: asked.append(len(descent.x)))
    monkeypatch.setattr(MMFFDescent, "energies", property(energies))
    assert leaving_alone().generate(FLEXIBLE, 4, init="minima").num_conformers == 4
    _, candidates, rest, chosen = asked
    assert (candidates, rest, chosen) == (40, 20, 4)


@pytest.mark.parametrize(("init", "are_plain"), [("crystal", 0), ("minima", 1)])
def test_half_of_the_rings_for_vacuum_know_nothing_of_crystals(
    init: str, are_plain: int, monkeypatch: pytest.MonkeyPatch
):
    asked: list[tuple[int, bool]] = []
    embed = Embedding.embed_fragment

    def embed_fragment(
        self: Embedding, mol: Chem.Mol, num: int, seed: int, plain: bool = False
    ) -> np.ndarray:
        asked.append((num, plain))
        return embed(self, mol, num, seed, plain)

    monkeypatch.setattr(Embedding, "embed_fragment", embed_fragment)
    leaving_alone().generate("C1CCCCC1COc1ccccc1", 20, init=init)
    assert [num for num, plain in asked if plain] == [10] * are_plain


def test_rings_by_themselves_bring_conformations_that_few_embeddings_lack(monkeypatch: pytest.MonkeyPatch):
    ring = Chem.MolFromSmarts("CC1CN(S)CCN1C=O")

    def num_kinds() -> int:
        result = leaving_alone().generate(
            "O=C(COc1ccccc1)N1CCN(S(C)(=O)=O)C[C@@H]1C", 40, seed=1, init="crystal"
        )
        x = positions(result.mol)[:, list(result.mol.GetSubstructMatch(ring))]
        apart = np.linalg.norm(x[:, :, None] - x[:, None], axis=-1)
        differ = np.abs(apart[:, None] - apart).max(axis=(2, 3)) > 0.5
        kinds: list[int] = []
        for one in range(len(x)):
            if all(differ[one, other] for other in kinds):
                kinds.append(one)
        return len(kinds)

    with_fragments = num_kinds()
    monkeypatch.setattr(piece_pool, "fragments", lambda *_: [])
    assert with_fragments > num_kinds()


def test_what_cannot_be_embedded_has_no_torsions_to_draw(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rdDistGeom, "EmbedMultipleConfs", lambda *arguments: [])
    result = leaving_alone().generate("CCOCCO", 2, max_attempts=2, init="minima")
    assert result.num_rejected == {"embedding": 4}


@pytest.mark.parametrize(
    ("smiles", "differs"),
    [
        ("CCOC(=O)c1ccccc1", False),
        ("C1CCCCC1CCO", False),
        ("C1CCCCCCCCC1CCO", True),
        ("CC(F)CCO", True),
        ("C[C@H](F)CCO", False),
        ("CC=CCCO", True),
        ("C/C=C/CCO", False),
        ("C1CC1CCO", False),
    ],
)
def test_macrocycles_and_open_stereo_ask_for_more_embeddings(smiles: str, differs: bool):
    assert differs_beyond_rotors(Chem.AddHs(Chem.MolFromSmiles(smiles))) == differs


def test_the_force_field_has_the_last_word_where_the_network_leaves_what_is_impossible(
    monkeypatch: pytest.MonkeyPatch,
):
    """A network that moves every atom to one place, whose samples fail, and one attempt more without it."""
    monkeypatch.undo()  # of the checks
    monkeypatch.setattr(LeavesAlone, "forward", lambda self, x, lambda_, graph: 0 * x)
    result = leaving_alone().generate("CCCCO", 3, init="minima", seed=1)
    assert (result.status, result.num_drawn) == ("ok", 15)
    assert result.reason.startswith("3 conformers of a force field alone")
    fewer = leaving_alone().generate("CCCCO", 3, init="minima", seed=1, prune_rmsd=9.0)
    assert fewer.reason.startswith("1 conformer of a force field alone")  # those returned
    assert set(result.samples[:, 1]) == {4}
    x = positions(result.mol)
    assert np.linalg.norm(x[:, 0] - x[:, 1], axis=-1) == pytest.approx(1.52, abs=0.03)


@pytest.mark.parametrize("options", [{"max_attempts": 2}, {"trajectory": True}, {"init": "given"}])
def test_a_network_is_not_left_out_where_its_part_was_asked_for(
    options: dict[str, object], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.undo()
    given = leaving_alone().generate("CCCCO", 2, init="minima", seed=1, max_attempts=5).mol
    monkeypatch.setattr(LeavesAlone, "forward", lambda self, x, lambda_, graph: 0 * x)
    result = leaving_alone().generate(given, 2, **{"init": "minima", "seed": 1, **options})
    assert result.status == "failed"


@pytest.mark.parametrize("smiles", [FLEXIBLE, "C[C@H]1CC[C@@H](O)CC1", "CC(C)[C@@H]1CC[C@@H](C)C[C@H]1O"])
def test_conformers_for_vacuum_come_lowest_first(smiles: str):
    mol = leaving_alone().generate(smiles, 8, seed=3, init="minima").mol
    energies = [MMFF(mol).energy(conformer.GetId()) for conformer in mol.GetConformers()]
    np.testing.assert_allclose(energies, sorted(energies), atol=0.05)


BENZAMIDE = "CC(O)CNC(=O)c1ccc(Br)cc1"


@pytest.mark.parametrize("init", ["minima", "crystal", "etkdg"])
def test_seed_sample_and_number_of_samples_give_a_chosen_conformer_again(init: str):
    generator = leaving_alone()
    chosen = generator.generate(
        BENZAMIDE, 3, seed=4, init=init, pool=9, select="energy", energies="mmff", rank=True
    )
    num_samples = chosen.provenance["num_samples"]
    assert num_samples == 9
    again = generator.generate(BENZAMIDE, num_samples, seed=4, init=init)
    place = {int(number): row for row, (number, _) in enumerate(again.samples)}
    rows = [place[int(number)] for number in chosen.samples[:, 0]]
    np.testing.assert_allclose(chosen.ensemble.coordinates, again.ensemble.coordinates[rows], atol=1e-3)
    record = Chem.SDMolSupplier()
    record.SetData(chosen.to_sdf(), removeHs=False)
    assert [one.GetIntProp("num_samples") for one in record] == [9, 9, 9]


def test_the_number_of_samples_decides_what_they_begin_with():
    four, nine = (leaving_alone().generate(BENZAMIDE, num, seed=4, init="minima") for num in (4, 9))
    first = [one.ensemble.coordinates[one.samples[:, 0].tolist().index(0)] for one in (four, nine)]
    assert np.abs(first[0] - first[1]).max() > 0.1


def test_samples_of_noise_do_not_depend_on_their_number():
    assert "num_samples" not in knowing("CCO").generate("CCO", 2).provenance
