"""Held atoms lie as they should to each other, and what hangs on them keeps its bonds."""

import numpy as np
import pytest
from fake_generators import embedded
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem

from molediff.molecules.generation.fixed import FixedAtoms
from molediff.molecules.generation.grafting import Graft
from molediff.molecules.generation.starts import make_starts
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.graph.inputs import prepare
from molediff.molecules.graph.vocabulary import ORGANIC
from molediff.molecules.rotors import Rotors

BIARYL = "Cc1ccccc1-c1ccccc1C(=O)NCCCO"
CORE = Chem.MolFromSmarts("c1ccccc1-c1ccccc1C=O")
LINKED = "Clc1ccccc1CCOc1ccncc1"


@pytest.fixture(scope="module")
def drugs() -> ConformerGenerator:
    return ConformerGenerator.from_pretrained("drugs", device="cpu")


def positions(mol: Chem.Mol) -> np.ndarray:
    return mol.GetConformer().GetPositions()


def distances(x: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x[..., :, None, :] - x[..., None, :, :], axis=-1)


def bonds(mol: Chem.Mol) -> np.ndarray:
    return np.array([(b.GetBeginAtomIdx(), b.GetEndAtomIdx()) for b in mol.GetBonds()])


def angles(mol: Chem.Mol, x: np.ndarray) -> np.ndarray:
    """Of all pairs of bonds at an atom, as the distance of their far ends."""
    far = np.argwhere(np.triu(Chem.GetDistanceMatrix(mol) == 2))
    return np.linalg.norm(x[..., far[:, 0], :] - x[..., far[:, 1], :], axis=-1)


def lengths(mol: Chem.Mol, x: np.ndarray) -> np.ndarray:
    i, j = bonds(mol).T
    return np.linalg.norm(x[..., i, :] - x[..., j, :], axis=-1)


@given(turns=st.lists(st.floats(-180, 180), min_size=9, max_size=9))
@settings(max_examples=25, deadline=None)
def test_whatever_the_torsions_were_bonds_and_angles_stay(turns):
    mol = embedded(BIARYL)
    rotors, x = Rotors.of(mol), positions(mol)
    core = np.array(mol.GetSubstructMatch(CORE))
    turned = rotors.turn(x, np.array(turns)[: len(rotors)])
    [grafted] = Graft(mol, core, x[core]).onto(turned[None])
    np.testing.assert_allclose(distances(grafted[core]), distances(x[core]), atol=1e-6)
    np.testing.assert_allclose(lengths(mol, grafted), lengths(mol, x), atol=1e-6)
    np.testing.assert_allclose(angles(mol, grafted), angles(mol, x), atol=1e-5)


def test_what_is_as_it_should_be_stays_and_what_is_not_finite_too():
    mol = embedded(BIARYL)
    x, core = positions(mol), np.array(mol.GetSubstructMatch(CORE))
    both = np.stack([x, np.full_like(x, np.nan)])
    found = Graft(mol, core, x[core] + 5.0).onto(both)
    np.testing.assert_allclose(found[0], x, atol=1e-6)
    assert np.isnan(found[1]).all()


@pytest.mark.parametrize(
    ("smiles", "pattern"),
    [
        ("CCOCC/C=C/CCOC", "C=C"),
        ("CCOCC(=O)NCCc1ccccc1", "CN"),
        ("CCC#CC(C)O", "C#C"),
        ("CCc1ccccc1CC(N)=O", "cc"),
    ],
)
def test_cores_on_a_line_turn_nothing_that_fits_already(smiles, pattern):
    mol = embedded(smiles)
    x, core = positions(mol), np.array(mol.GetSubstructMatch(Chem.MolFromSmarts(pattern)))
    [found] = Graft(mol, core, x[core]).onto(x[None])
    np.testing.assert_allclose(found, x, atol=1e-6)


def test_what_lies_between_two_held_parts_gives_way_all_along():
    mol = embedded(LINKED)
    x = positions(mol)
    held = np.array([a for ring in mol.GetRingInfo().AtomRings() for a in ring])
    graft = Graft(mol, held, x[held])
    assert graft.is_closed
    rotors = Rotors.of(mol)
    turned = rotors.turn(
        x, np.where((rotors.bonds == [7, 8]).all(1) | (rotors.bonds == [8, 7]).all(1), 40.0, 0.0)
    )
    apart = np.abs(distances(turned[held]) - distances(x[held])).max()
    assert apart > 0.3
    [found] = graft.onto(turned[None])
    np.testing.assert_allclose(distances(found[held]), distances(x[held]), atol=1e-6)
    assert np.abs(lengths(mol, found) - lengths(mol, x)).max() < apart / 3


def test_a_part_of_a_ring_is_closed_and_a_whole_ring_is_not():
    mol = embedded("CC1CCCCC1")
    x = positions(mol)
    for atoms, is_closed in (([1, 2, 3], True), ([1, 2, 3, 4, 5, 6], False), ([0], False)):
        assert Graft(mol, np.array(atoms), x[atoms]).is_closed is is_closed


def test_the_mirror_image_of_held_atoms_is_told():
    mol = embedded(LINKED)
    x, held = positions(mol), np.array([a for ring in mol.GetRingInfo().AtomRings() for a in ring])
    assert Graft(mol, held, x[held]).is_mirrored(np.stack([x, -x])).tolist() == [False, True]
    flat = held[:6]  # one ring is its own mirror image
    assert not Graft(mol, flat, x[flat]).is_mirrored(np.stack([x, -x])).any()


@pytest.mark.parametrize("init", ["etkdg", "crystal", "minima"])
def test_all_starts_have_the_held_atoms_where_they_belong(init):
    mol = embedded(BIARYL)
    prepared, core = prepare(mol, 200, ORGANIC), np.array(mol.GetSubstructMatch(CORE))
    fixed = FixedAtoms(prepared.mol, core, positions(mol)[core])
    starts = make_starts(prepared, init, 4, 1, fixed=fixed)
    for attempt in (0, 1):
        x = starts.positions(range(4), attempt)
        np.testing.assert_allclose(
            distances(x[:, core]), np.broadcast_to(distances(fixed.positions), (4, 14, 14)), atol=1e-4
        )


@pytest.mark.parametrize("init", ["minima", "crystal"])
def test_a_core_that_bends_is_held_and_all_conformers_come(drugs, init):
    mol = embedded(BIARYL)
    x, core = positions(mol), list(mol.GetSubstructMatch(CORE))
    result = drugs.generate(BIARYL, 6, seed=1, init=init, fixed={atom: x[atom] for atom in core})
    assert result.status == "ok", result.reason
    found = result.ensemble.coordinates
    np.testing.assert_array_equal(found[:, core], np.broadcast_to(x[core], (6, len(core), 3)))
    assert not result.num_rejected


def test_a_link_between_two_rings_that_are_held_is_found(drugs):
    mol = embedded(LINKED)
    x, held = positions(mol), [a for ring in mol.GetRingInfo().AtomRings() for a in ring]
    result = drugs.generate(LINKED, 4, seed=1, fixed={atom: x[atom] for atom in held})
    assert result.status == "ok", result.reason
    np.testing.assert_array_equal(result.ensemble.coordinates[0][held], x[held])


def test_a_core_whose_distances_no_embedding_has_is_reached_by_the_force_field(drugs):
    smiles = "CN1C(=O)CN=C(c2ccccc2)c2cc(Cl)ccc21"
    x = positions(drugs.generate(smiles, 1, seed=1).mol)
    result = drugs.generate(smiles, 4, seed=1, fixed={atom: x[atom] for atom in (0, 6, 10, 17)})
    assert result.status == "ok", result.reason


def test_parts_too_far_apart_are_told_of(drugs):
    mol = embedded(LINKED)
    x = positions(mol)
    first, second = mol.GetRingInfo().AtomRings()
    fixed = {atom: x[atom] for atom in first} | {atom: x[atom] + 30.0 for atom in second}
    result = drugs.generate(LINKED, 2, seed=1, fixed=fixed)
    assert result.status == "failed"
    assert "not reach, with the fixed atoms where they are" in result.reason


def test_a_core_of_impossible_angles_is_refused_at_once(drugs):
    mol = embedded("CC(=O)NC")
    x = positions(mol)
    axis, lever = x[1] - x[3], x[2] - x[1]
    across = lever - axis * (lever @ axis) / (axis @ axis)
    x[4] = x[3] - 1.46 * across / np.linalg.norm(across)  # C-N-C is 90 degrees
    result = drugs.generate("CC(=O)NC", 2, fixed={atom: x[atom] for atom in (1, 2, 3, 4)})
    assert result.status == "failed"
    assert "are not those of the molecule" in result.reason
    assert result.num_drawn == 0


def test_the_conformers_of_a_molecule_without_a_core_beside_it_do_not_change(drugs):
    core = embedded("c1ccncc1")
    held = Chem.RemoveHs(core)
    alone = drugs.generate(LINKED, 3, seed=1, fixed=held)
    other, beside = drugs.generate_many(["CCO", LINKED], 3, seed=1, fixed=held)
    assert other.status == "failed"
    np.testing.assert_allclose(alone.ensemble.coordinates, beside.ensemble.coordinates, atol=1e-4)
