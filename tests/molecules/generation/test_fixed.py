"""Part of a molecule keeps its coordinates."""

import numpy as np
import pytest
import torch
from fake_generators import embedded, knowing, random_weights
from rdkit import Chem

from molediff.core.fixed_points import hold_points
from molediff.molecules.generator import ConformerGenerator

LACTAMIDE = "C[C@H](O)C(N)=O"
MIRROR = torch.tensor([-1.0, 1.0, 1.0])


def turned(x: np.ndarray, seed: int = 0) -> np.ndarray:
    """Somewhere else, in another orientation, the same hand."""
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return x @ (rotation * np.sign(np.linalg.det(rotation))).T + 5 * rng.normal(size=3)


def part_of(mol: Chem.Mol, atoms: list[int], positions: np.ndarray) -> Chem.Mol:
    """These atoms of a molecule as a Mol of its own, with these coordinates (K, 3)."""
    part = Chem.RWMol(mol)
    for atom in reversed(range(mol.GetNumAtoms())):
        if atom not in atoms:
            part.RemoveAtom(atom)
    part.GetConformer().SetPositions(np.ascontiguousarray(positions))
    part.GetConformer().Set3D(True)
    return part.GetMol()


def distances(x: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x[..., :, None, :] - x[..., None, :, :], axis=-1)


@pytest.mark.parametrize("atoms", [[4], [0, 3], [1, 2, 3, 5], list(range(13))])
@pytest.mark.parametrize("solver", ["dpmpp_2m_low_temperature", "ancestral"])
def test_fixed_atoms_lie_exactly_where_they_were_given_and_the_rest_fits(atoms, solver):
    truth = embedded(LACTAMIDE).GetConformer().GetPositions()
    given = turned(truth)[atoms]
    result = knowing(LACTAMIDE).generate(
        LACTAMIDE, 3, num_steps=6, solver=solver, fixed=dict(zip(atoms, given, strict=True))
    )
    assert result.status == "ok", result.reason
    x = result.ensemble.coordinates
    np.testing.assert_array_equal(x[:, atoms], np.broadcast_to(given, (3, *given.shape)))
    np.testing.assert_allclose(distances(x), np.broadcast_to(distances(truth), (3, 13, 13)), atol=1e-3)


def test_a_part_given_as_a_mol_is_found_in_every_molecule():
    mol = embedded("NC=O")
    x = turned(mol.GetConformer().GetPositions())
    core = part_of(mol, [0, 1, 2], x[:3])
    smiles = ["CC(N)=O", "OCC(N)=O", "CCO"]
    *held, none = knowing(*smiles).generate_many(smiles, 2, num_steps=5, fixed=core)
    for result in held:
        assert result.status == "ok", result.reason
        (match,) = result.mol.GetSubstructMatches(core)
        np.testing.assert_array_equal(result.ensemble.coordinates[1][list(match)], x[:3])
    assert none.status == "failed"
    assert "does not occur in the molecule" in none.reason


def test_hydrogens_of_the_part_give_way_to_what_the_molecule_has_there():
    mol = embedded("c1ccccc1")
    result = knowing("Cc1ccccc1").generate("Cc1ccccc1", 2, num_steps=5, fixed=mol)
    assert result.status == "ok", result.reason
    ring = result.ensemble.coordinates[0][1:7]
    assert {tuple(p) for p in ring} == {tuple(p) for p in mol.GetConformer().GetPositions()[:6]}


@pytest.mark.parametrize(
    ("fixed", "says"),
    [
        ({40: (0.0, 0.0, 0.0)}, "Atom 40 is to be fixed, but the molecule has 13 atoms"),
        ({0: (0.0, 0.0, 0.0), 1: (3.0, 0.0, 0.0)}, "bond lengths or contacts"),
    ],
)
def test_what_cannot_be_fixed_is_a_result_with_its_reason(fixed, says):
    result = knowing(LACTAMIDE).generate(LACTAMIDE, 2, fixed=fixed)
    assert result.status == "failed"
    assert says in result.reason


def test_a_part_of_the_wrong_hand_is_refused():
    x = embedded(LACTAMIDE).GetConformer().GetPositions() * np.array([-1.0, 1.0, 1.0])
    result = knowing(LACTAMIDE).generate(LACTAMIDE, 2, fixed={i: x[i] for i in (0, 1, 2, 3)})
    assert "its stereo is not that asked for" in result.reason


def test_mirror_images_are_reflected_only_if_the_fixed_part_allows_it():
    """Three atoms are their own mirror image; four around no stereocentre of the input are not."""
    truth = embedded(LACTAMIDE).GetConformer().GetPositions()
    generator = knowing(LACTAMIDE, spoil=lambda x_0, x_t: x_0 * MIRROR)
    flat = generator.generate(LACTAMIDE, 2, num_steps=4, fixed={i: truth[i] for i in (3, 4, 5)})
    assert flat.status == "ok", flat.reason
    assert flat.num_reflected == 2
    np.testing.assert_array_equal(flat.ensemble.coordinates[0][[3, 4, 5]], truth[[3, 4, 5]])
    assert flat.isomeric_smiles() == 2 * [Chem.CanonSmiles(LACTAMIDE)]


def test_relaxation_leaves_fixed_atoms_alone():
    truth = embedded(LACTAMIDE).GetConformer().GetPositions()
    result = knowing(LACTAMIDE).generate(LACTAMIDE, 2, relax="mmff", fixed={i: truth[i] for i in (0, 1, 2)})
    assert result.status == "ok", result.reason
    np.testing.assert_array_equal(result.ensemble.coordinates[1][:3], truth[:3])


def test_the_trajectory_ends_in_the_frame_of_the_fixed_atoms():
    x = turned(embedded(LACTAMIDE).GetConformer().GetPositions())
    result = knowing(LACTAMIDE).generate(LACTAMIDE, 2, fixed={i: x[i] for i in range(4)}, trajectory=True)
    np.testing.assert_allclose(result.trajectory.x_0_hat[-1], result.ensemble.coordinates, atol=1e-3)


def test_samples_do_not_depend_on_batch_mates_that_are_free():
    """A molecule without fixed atoms, held beside one with, is as alone."""
    denoiser = lambda x, t: 0.5 * x  # noqa: E731
    x = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(1))
    known, is_known = torch.zeros(2, 5, 3), torch.zeros(2, 5, dtype=torch.bool)
    known[1, :3], is_known[1, :3] = x[0, :3], True
    held = hold_points(denoiser, known, is_known)(x, torch.ones(2))
    torch.testing.assert_close(held[0], 0.5 * x[0])
    torch.testing.assert_close(held[1, 3:], 0.5 * x[1, 3:])
    torch.testing.assert_close(torch.cdist(held[1, :3], held[1, :3]), torch.cdist(x[0, :3], x[0, :3]))


def test_an_untrained_network_holds_them_too_but_nothing_wrong_is_returned():
    truth = embedded("CCO").GetConformer().GetPositions()
    result = ConformerGenerator(random_weights(), device="cpu").generate(
        "CCO", 2, fixed={0: truth[0], 1: truth[1]}
    )
    assert result.status == "failed"
    assert result.num_rejected.keys() <= {"bond_length", "clash"}
