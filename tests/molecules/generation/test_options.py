"""Options that are refused before anything is read."""

import numpy as np
import pytest
import torch
from fake_generators import knowing, random_weights
from rdkit import Chem

from molediff.core.solvers import Heun
from molediff.molecules import Strain
from molediff.molecules.generator import ConformerGenerator


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"num_conformers": 0}, "num_conformers.*at least 1; got 0"),
        ({"num_conformers": -3}, "got -3"),
        ({"num_conformers": 2.5}, "whole number"),
        ({"num_steps": 0}, "num_steps"),
        ({"batch_atoms": 0}, "batch_atoms"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"seed": -1}, "seed"),
        ({"solver": "dopri"}, "one of dpmpp_2m, .*got 'dopri'"),
        ({"solver": 3}, "got 3"),
        ({"eta": 0.5}, "has no eta"),
        ({"solver": Heun(), "eta": 0.5}, "Heun"),
        ({"solver": "ddim", "eta": 2.0}, "eta"),
        ({"solver": "ddim", "eta": "x"}, "eta scales the noise"),
        ({"grid": "cubic"}, "grid must be one of"),
        ({"relax": "uff"}, "relax must be one of None, 'mmff', 'gfn2', 'aimnet2'; got 'uff'"),
        ({"energies": "xtb"}, "energies"),
        ({"prune_rmsd": -0.1}, "prune_rmsd"),
        ({"prune_rmsd": 0.1, "energies": "mmff", "prune_energy": 0.0}, "prune_energy"),
        ({"energies": "mmff", "prune_energy": 0.1}, "how near these are"),
        ({"prune_rmsd": 0.1, "prune_energy": 0.1}, "prune_energy needs energies"),
        ({"energy_window": 0, "energies": "mmff"}, "energy_window must be an energy above 0"),
        ({"energy_window": 3.0}, "energy_window needs energies"),
        ({"rank": True}, "rank needs energies"),
        ({"timeout": -1}, "timeout must be a time above 0"),
        ({"timeout": "long"}, "timeout must be a time above 0"),
        ({"num_workers": 0}, "num_workers.*at least 1"),
        ({"num_conformers": 1_000_000}, "more than the 100,000 that are held in memory"),
        ({"num_conformers": 2000, "num_steps": 100, "trajectory": True}, "steps of the trajectory"),
        ({"timeout": 10**400}, "timeout must be a time above 0"),
        ({"seed": torch.tensor(2)}, "seed must be a whole number"),
        ({"seed": np.array([2])}, "seed must be a whole number"),
        ({"num_conformers": True}, "num_conformers must be a whole number"),
        ({"grid": lambda path, steps: None}, "grid must give a tensor of falling times.*got NoneType"),
        ({"fixed": {True: (0.0, 1.0, 2.0)}}, "atom indices"),
        ({"fixed": "CCO"}, "`fixed` must be a Mol with a 3D conformer or a mapping"),
        ({"fixed": {}}, "names no atom"),
        ({"fixed": {0: (0.0, 1.0)}}, "coordinates"),
        ({"fixed": {0: (0.0, 1.0, float("nan"))}}, "finite"),
        ({"fixed": {"C1": (0.0, 1.0, 2.0)}}, "atom indices"),
        ({"fixed": Chem.MolFromSmiles("CO")}, "no 3D conformer"),
        ({"strict": "no"}, "strict must be True or False; got 'no'"),
        ({"largest_fragment": 0}, "largest_fragment must be True or False; got 0"),
        ({"trajectory": None}, "trajectory must be True or False"),
        ({"energies": "mmff", "rank": "energies"}, "rank must be True or False; got 'energies'"),
        ({"checks": None}, "checks must be a list of classes"),
        ({"checks": "clash"}, "checks must be a list of classes.*got 'clash'"),
        ({"checks": Strain("mmff", 15.0)}, r"checks must be a list .*put it in a list, checks=\[...\]"),
    ],
)
def test_bad_options_are_refused_before_anything_is_read(changed, says):
    with pytest.raises(ValueError, match=says):
        knowing("C").generate_many(iter(["C"]), **changed)


def test_one_molecule_is_not_many():
    for molecules in ("CCO", None):
        with pytest.raises(ValueError, match="call generate"):
            knowing("C").generate_many(molecules)


@pytest.mark.parametrize("made", [{"device": "abacus"}, {"precision": "float8"}, {"max_atoms": "a"}])
def test_bad_device_or_precision_is_refused(made):
    with pytest.raises(ValueError, match=next(iter(made.values()))):
        ConformerGenerator(random_weights(), **made)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_missing_cuda_is_named():
    with pytest.raises(ValueError, match="no CUDA device"):
        ConformerGenerator(random_weights(), device="cuda")


def test_integers_of_numpy_are_whole_numbers():
    plain = knowing("CCO").generate("CCO", 2, seed=2, num_steps=2)
    numpy = knowing("CCO").generate(
        "CCO", np.int64(2), seed=np.uint8(2), num_steps=np.int32(2), strict=np.False_
    )
    np.testing.assert_array_equal(plain.ensemble.coordinates, numpy.ensemble.coordinates)
    assert type(numpy.seed) is int


def test_numbers_of_numpy_are_noise_of_a_solver_and_stand_in_the_record_as_others_do():
    plain, numpy = (
        knowing("CCO").generate("CCO", 1, solver="ddim", num_steps=2, eta=eta) for eta in (1, np.int64(1))
    )
    assert numpy.provenance["solver"] == plain.provenance["solver"]
