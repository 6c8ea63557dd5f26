"""One molecule through the generator: what comes out, what is checked, what may be asked for besides."""

import numpy as np
import pytest
import torch
from fake_generators import embedded, knowing, random_weights
from rdkit import Chem
from rdkit.Chem import rdMolAlign

from molediff.core.solvers import DDIM, Heun
from molediff.molecules.generator import ConformerGenerator
from molediff.sampling.options import SOLVERS

LACTAMIDE = "C[C@H](O)C(N)=O"
MIRROR = torch.tensor([-1.0, 1.0, 1.0])


# What comes out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", [*SOLVERS, Heun(), DDIM(eta=0.5)])
def test_perfect_network_returns_the_true_geometry(solver):
    # Euler-Maruyama approximates what the others solve exactly: it needs more steps and keeps a little noise.
    num_steps, tolerance = (30, 0.05) if solver == "euler_maruyama" else (6, 1e-4)
    result = knowing(LACTAMIDE).generate(
        LACTAMIDE, num_conformers=3, seed=1, solver=solver, num_steps=num_steps
    )
    assert result.status == "ok", result.reason
    assert [c.GetId() for c in result.mol.GetConformers()] == [0, 1, 2]
    truth = embedded(LACTAMIDE)
    for i in range(3):
        assert (
            rdMolAlign.AlignMol(result.mol, truth, prbCid=i, atomMap=[(k, k) for k in range(13)]) < tolerance
        )
    assert result.isomeric_smiles() == 3 * [Chem.CanonSmiles(LACTAMIDE)]
    assert result.num_drawn == 3
    assert result.num_rejected == {}


def test_atom_order_is_that_of_the_smiles_or_of_the_mol():
    generator = knowing("CCO", "OCC")
    for smiles in ("CCO", "OCC"):
        for given in (smiles, Chem.MolFromSmiles(smiles), embedded(smiles)):
            mol = generator.generate(given, num_conformers=1).mol
            assert Chem.MolToSmiles(mol, canonical=False) == Chem.MolToSmiles(
                embedded(smiles), canonical=False
            )


def test_ensemble_is_the_coordinates_of_the_conformers():
    result = knowing("CCO").generate("CCO", num_conformers=3)
    assert result.ensemble.coordinates.shape == (3, 9, 3)
    np.testing.assert_array_equal(result.ensemble.coordinates[2], result.mol.GetConformer(2).GetPositions())
    assert knowing("CCO").generate("nonsense").ensemble.coordinates.shape == (0, 0, 3)


def test_two_atoms_need_no_network():
    generator = ConformerGenerator(random_weights(), device="cpu")
    assert np.linalg.norm(
        np.diff(generator.generate("[H][H]").ensemble.coordinates[0], axis=0)
    ) == pytest.approx(0.74, abs=0.05)


# Checks -----------------------------------------------------------------------------------------------------------


def test_mirror_images_are_reflected_and_counted():
    result = knowing(LACTAMIDE, spoil=lambda x_0, x_t: x_0 * MIRROR).generate(LACTAMIDE, num_conformers=4)
    assert result.status == "ok"
    assert result.num_reflected == 4
    assert set(result.isomeric_smiles()) == {Chem.CanonSmiles(LACTAMIDE)}


def test_diastereomer_is_never_returned():
    asked, other = "C[C@@H](F)[C@H](O)C=O", "C[C@@H](F)[C@@H](O)C=O"
    truth = torch.tensor(embedded(other).GetConformer().GetPositions(), dtype=torch.float32)
    result = knowing(asked, spoil=lambda x_0, x_t: truth).generate(asked, num_conformers=2, max_attempts=3)
    assert result.status == "failed"
    assert result.num_rejected == {"stereo": 6}
    assert result.mol.GetNumConformers() == 0
    assert "stereo" in result.reason


def test_rejected_samples_are_drawn_again():
    """Every other sample, by its noise, is torn apart; all conformers come in the end."""

    def spoil(x_0, x_t):
        return x_0 * (3.0 if x_t[0, 0] > 0 else 1.0)

    result = knowing("CCO", spoil=spoil).generate("CCO", num_conformers=12, num_steps=1, max_attempts=20)
    assert result.status == "ok"
    assert result.num_rejected.keys() == {"bond_length"}
    assert result.num_drawn == 12 + result.num_rejected["bond_length"]


def test_partial_result_says_what_is_missing():
    def spoil(x_0, x_t):
        return x_0 * (3.0 if x_t[0, 0] > 0 else 1.0)

    result = knowing("CCO", spoil=spoil).generate("CCO", num_conformers=12, num_steps=1, max_attempts=1)
    assert result.status == "partial"
    assert 0 < result.num_conformers < 12
    assert f"{12 - result.num_conformers} of 12 conformers missing" in result.reason
    assert [c.GetId() for c in result.mol.GetConformers()] == list(range(result.num_conformers))


def test_nan_from_the_network_is_counted_not_returned():
    result = knowing("CCO", spoil=lambda x_0, x_t: x_0 * float("nan")).generate(
        "CCO", num_conformers=2, max_attempts=2
    )
    assert result.status == "failed"
    assert result.num_rejected == {"not_finite": 4}


def test_untrained_network_yields_nothing_wrong():
    result = ConformerGenerator(random_weights(), device="cpu").generate(
        LACTAMIDE, num_conformers=3, num_steps=3
    )
    assert result.status == "failed"
    assert sum(result.num_rejected.values()) == result.num_drawn == 15


# Extras -----------------------------------------------------------------------------------------------------------


def test_relaxation_lowers_the_energy_and_keeps_the_stereo():
    generator = knowing(LACTAMIDE, spoil=lambda x_0, x_t: 1.01 * x_0)
    raw = generator.generate(LACTAMIDE, num_conformers=2, energies="mmff")
    relaxed = generator.generate(LACTAMIDE, num_conformers=2, relax="mmff", energies="mmff")
    assert raw.energies.shape == relaxed.energies.shape == (2,)
    assert (relaxed.energies < raw.energies - 0.5).all()
    assert set(relaxed.isomeric_smiles()) == {Chem.CanonSmiles(LACTAMIDE)}


def test_molecule_outside_the_force_field_keeps_its_conformers_and_says_so():
    result = knowing("CCO").generate("[C-]#[O+]", num_conformers=2, relax="mmff", energies="mmff")
    assert result.status == "partial"
    assert "MMFF94s has no parameters" in result.reason
    assert result.num_conformers == 2
    assert result.energies is None


def test_pruning_leaves_one_of_equal_conformers():
    result = knowing(LACTAMIDE).generate(LACTAMIDE, num_conformers=5, prune_rmsd=0.1, energies="mmff")
    assert result.status == "ok"
    assert result.num_conformers == len(result.energies) == 1
    assert result.num_pruned == 4


def test_trajectory_goes_from_noise_to_the_conformers():
    result = knowing(LACTAMIDE, spoil=lambda x_0, x_t: x_0 * MIRROR).generate(
        LACTAMIDE, num_conformers=2, num_steps=7, trajectory=True
    )
    path = result.trajectory
    assert path.times.shape == (7,)
    assert (np.diff(path.times) < 0).all()
    assert path.x_t.shape == path.x_0_hat.shape == (7, 2, 13, 3)
    np.testing.assert_allclose(path.x_0_hat[-1], result.ensemble.coordinates, atol=1e-4)
    assert (
        np.abs(path.x_t[0] - result.ensemble.coordinates).mean()
        > np.abs(path.x_t[-1] - result.ensemble.coordinates).mean()
    )
    assert knowing("C").generate("C").trajectory is None


def test_molecules_larger_than_the_training_ones_are_marked():
    generator = knowing("CCO", "C")
    generator.metadata["max_atoms"] = 6
    assert "more than the 6 of the largest training molecule" in generator.generate("CCO").reason
    assert generator.generate("C").reason == ""


def test_weights_of_something_else_are_refused():
    for weights, kind, generator in (("digits", "images", "Image"), ("lj13", "particles", "Particle")):
        with pytest.raises(ValueError, match=f"these are of {kind}. Use {generator}Generator for them"):
            ConformerGenerator.from_pretrained(weights)
