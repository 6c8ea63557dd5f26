"""AIMNet2: what it is loaded from, what it says of small molecules, and that batches change nothing."""

import hashlib
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from fake_generators import embedded, knowing
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdMolTransforms

from molediff.molecules.energies import aimnet2, aimnet2_model
from molediff.molecules.energies.aimnet2_potential import AIMNet2Potential
from molediff.molecules.energies.relax import conformer_energies, relax_conformers
from molediff.molecules.errors import ForceFieldError
from molediff.molecules.graph.graph import collate, mol_to_graph
from molediff.molecules.graph.vocabulary import ORGANIC

needs_aimnet2 = pytest.mark.skipif(
    find_spec("Auto3D") is None, reason="needs AIMNet2: pip install 'molediff[aimnet2]'"
)


def conformers(smiles: str, num: int) -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMultipleConfs(mol, num, randomSeed=5)
    return mol


def positions(mol: Chem.Mol) -> np.ndarray:
    return np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])


def distances(conformer: Chem.Conformer) -> np.ndarray:
    x = conformer.GetPositions()
    return np.linalg.norm(x[:, None] - x, axis=-1)


# The file ----------------------------------------------------------------------------------------------------------


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.delenv(aimnet2_model.PATH_VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, "Auto3D", None)
    for option in ({"relax": "aimnet2"}, {"energies": "aimnet2"}):
        with pytest.raises(ImportError, match=r"pip install 'molediff\[aimnet2\]'"):
            knowing("CO").generate_many(iter(["CO"]), **option)


def test_a_file_of_another_checksum_is_refused_before_it_is_loaded(monkeypatch, tmp_path):
    file = tmp_path / "other.jpt"
    file.write_bytes(b"anything")
    found = hashlib.sha256(b"anything").hexdigest()
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("it was loaded"))
    with pytest.raises(ValueError, match=f"its SHA-256 is {found}, not {aimnet2_model.SHA256}"):
        aimnet2_model.load_aimnet2("cpu", file)


def test_a_file_whose_checksum_the_user_states_is_taken(monkeypatch, tmp_path):
    file = tmp_path / "other.jpt"
    file.write_bytes(b"anything")
    found = hashlib.sha256(b"anything").hexdigest()
    assert aimnet2_model.read_model(file, found) == b"anything"
    monkeypatch.setenv(aimnet2_model.PATH_VARIABLE, str(file))
    monkeypatch.setenv(aimnet2_model.SHA256_VARIABLE, found.upper())
    assert aimnet2_model.read_model() == b"anything"


def test_a_path_without_a_file_says_who_named_it(monkeypatch, tmp_path):
    monkeypatch.setenv(aimnet2_model.PATH_VARIABLE, str(tmp_path / "none.jpt"))
    with pytest.raises(FileNotFoundError, match=f"which {aimnet2_model.PATH_VARIABLE} names"):
        aimnet2_model.find_model()


@needs_aimnet2
def test_the_package_is_not_imported():
    assert aimnet2_model.find_model().name == "aimnet2_wb97m-d3_0.jpt"
    aimnet2_model.load_aimnet2()
    assert "Auto3D" not in sys.modules


# What it does not know ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("smiles", "says"),
    [
        ("C[Ge](C)(C)C", "does not know Ge"),
        ("[Na]C[Mg]C", "does not know Mg, Na"),
        ("C[CH2]", "1 unpaired electron"),
        ("[O]O", "1 unpaired electron"),
    ],
)
def test_what_it_does_not_describe_is_refused_with_the_reason(smiles, says):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    mol.AddConformer(Chem.Conformer(mol.GetNumAtoms()))
    for compute in (lambda: relax_conformers(mol, "aimnet2"), lambda: conformer_energies(mol, "aimnet2")):
        with pytest.raises(ForceFieldError, match=says):
            compute()


@pytest.mark.parametrize(
    "smiles", ["C[N+](C)(C)C", "[O-]C=O", "C[NH+]=C", "CB(O)O", "C[Se]C", "CI", "C[As](C)C"]
)
def test_closed_shells_of_its_elements_are_let_pass(smiles):
    aimnet2.check_domain(Chem.AddHs(Chem.MolFromSmiles(smiles)))


# Energies and forces -----------------------------------------------------------------------------------------------


@needs_aimnet2
def test_energy_changes_as_the_forces_say():
    """Central differences; float32 leaves some 1e-3 eV/Angstrom."""
    mol = embedded("OCC=O")
    model = aimnet2_model.load_aimnet2()
    numbers = torch.tensor([[atom.GetAtomicNum() for atom in mol.GetAtoms()]])
    x, charge = torch.from_numpy(positions(mol)), torch.zeros(1)
    _, forces = model(numbers, charge, x)
    step = 0.01
    for atom, axis in ((0, 0), (1, 1), (3, 2), (6, 0)):
        moved = torch.zeros_like(x)
        moved[0, atom, axis] = step
        up, down = (model(numbers, charge, x + sign * moved)[0].item() for sign in (1, -1))
        assert -(up - down) / (2 * step) == pytest.approx(forces[0, atom, axis].item(), abs=0.02)


@needs_aimnet2
def test_energies_do_not_change_with_place_turn_or_padding():
    mol = embedded("CCO")
    model = aimnet2_model.load_aimnet2()
    numbers = torch.tensor([[atom.GetAtomicNum() for atom in mol.GetAtoms()]])
    x = torch.from_numpy(positions(mol))
    energy, forces = model(numbers, torch.zeros(1), x)
    turn = torch.linalg.qr(
        torch.randn(3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    )[0]
    turned, turned_forces = model(numbers, torch.zeros(1), x @ turn + 1000.0)
    torch.testing.assert_close(turned, energy, atol=1e-3, rtol=0)
    torch.testing.assert_close(turned_forces, forces @ turn, atol=1e-3, rtol=0)
    wide = torch.nn.functional.pad(numbers, (0, 3)), torch.nn.functional.pad(x, (0, 0, 0, 3))
    padded, padded_forces = model(wide[0], torch.zeros(1), wide[1])
    torch.testing.assert_close(padded, energy, atol=1e-3, rtol=0)
    torch.testing.assert_close(padded_forces[:, :-3], forces, atol=1e-3, rtol=0)
    assert (padded_forces[:, -3:] == 0).all()


@needs_aimnet2
def test_a_proton_costs_what_it_costs():
    """Gas-phase proton affinity of ammonia, 204 kcal/mol at 298 K; without vibrations it is some 9 higher."""
    ammonia, ammonium = conformers("N", 1), conformers("[NH4+]", 1)
    affinity = aimnet2.relax(ammonia).energies[0] - aimnet2.relax(ammonium).energies[0]
    assert affinity == pytest.approx(212, abs=6)


@needs_aimnet2
def test_the_charge_of_the_molecule_is_passed():
    mol = conformers("[NH4+]", 1)
    model = aimnet2_model.load_aimnet2()
    numbers = torch.tensor([[atom.GetAtomicNum() for atom in mol.GetAtoms()]])
    x = torch.from_numpy(positions(mol))
    right, wrong = (model(numbers, torch.tensor([charge]), x)[0].item() for charge in (1.0, 0.0))
    assert abs(right - wrong) > 1.0
    assert aimnet2.energies(mol)[0] == pytest.approx(right * aimnet2.KCAL_PER_EV, abs=1e-3)


# Relaxation --------------------------------------------------------------------------------------------------------


@needs_aimnet2
def test_water_is_water():
    mol = conformers("O", 1)
    found = aimnet2.relax(mol)
    assert found.converged.all()
    assert rdMolTransforms.GetBondLength(mol.GetConformer(), 0, 1) == pytest.approx(0.96, abs=0.01)
    assert rdMolTransforms.GetAngleDeg(mol.GetConformer(), 1, 0, 2) == pytest.approx(104.5, abs=1.5)


@needs_aimnet2
def test_relaxation_ends_where_nothing_pulls_and_does_not_go_on():
    mol = conformers("C[C@H](O)C#N", 2)
    before = aimnet2.energies(mol)
    found = aimnet2.relax(mol)
    assert found.converged.all()
    assert (found.energies < before).all()
    assert (found.largest_force <= aimnet2.MAX_FORCE).all()
    np.testing.assert_allclose(aimnet2.energies(mol), found.energies, atol=0.05)
    x = positions(mol)
    again = aimnet2.relax(mol)
    assert (again.num_evaluations <= 3).all()
    np.testing.assert_allclose(positions(mol), x, atol=1e-3)


@needs_aimnet2
def test_a_batch_of_different_sizes_is_one_by_one():
    """Rigid molecules, whose end is a point: three of 3 and 4 atoms share a batch, and two of 6 and 7."""
    mols = [conformers(smiles, 2) for smiles in ("O", "C=C", "N", "C=C=C", "C=O")]
    alone = [Chem.Mol(mol) for mol in mols]
    together = aimnet2.relax_many(mols, max_force=1e-3)
    for mol, single, found in zip(mols, alone, together, strict=True):
        one = aimnet2.relax(single, max_force=1e-3)
        assert found.converged.all()
        np.testing.assert_allclose(found.energies, one.energies, atol=1e-2)
        for conformer, other in zip(mol.GetConformers(), single.GetConformers(), strict=True):
            np.testing.assert_allclose(distances(conformer), distances(other), atol=1e-4)


@needs_aimnet2
def test_the_same_call_gives_the_same_bits():
    first, second = conformers("CO", 3), conformers("CO", 3)
    np.testing.assert_array_equal(aimnet2.relax(first).energies, aimnet2.relax(second).energies)
    np.testing.assert_array_equal(positions(first), positions(second))


@needs_aimnet2
def test_fixed_atoms_stay_to_the_bit_and_the_others_relax_around_them():
    mol = conformers("CCO", 2)
    for conformer in mol.GetConformers():
        x = conformer.GetPositions()
        x[2] += 0.1
        conformer.SetPositions(x)
    x = positions(mol)
    found = relax_conformers(mol, "aimnet2", fixed=[0, 2])
    assert found.converged.all()
    np.testing.assert_array_equal(positions(mol)[:, [0, 2]], x[:, [0, 2]])
    assert np.abs(positions(mol)[:, 1] - x[:, 1]).max() > 1e-3


@needs_aimnet2
def test_when_the_time_is_up_nothing_has_moved():
    mol = conformers("CCO", 2)
    x = positions(mol)
    found = relax_conformers(mol, "aimnet2", out_of_time=lambda: True)
    assert found.late.all()
    assert np.isnan(found.energies).all()
    np.testing.assert_array_equal(positions(mol), x)
    assert np.isnan(conformer_energies(mol, "aimnet2", out_of_time=lambda: True)).all()


# In the generator --------------------------------------------------------------------------------------------------


@needs_aimnet2
def test_generated_conformers_are_relaxed_weighed_and_said_so():
    raw = knowing("CO").generate("CO", 2, energies="aimnet2")
    relaxed = knowing("CO").generate("CO", 2, relax="aimnet2", energies="aimnet2", rank=True)
    assert relaxed.status == "ok", relaxed.reason
    assert relaxed.energy_method == "AIMNet2"
    assert relaxed.provenance["relax"] == "aimnet2"
    assert (relaxed.energies < raw.energies - 0.1).all()
    assert np.ptp(relaxed.energies) < 0.02  # one minimum


@needs_aimnet2
def test_what_changes_its_graph_on_the_way_is_left_out():
    """In the gas phase the zwitterion of glycine is no minimum: the proton goes to the carboxylate."""
    smiles = "[NH3+]CC(=O)[O-]"
    result = knowing(smiles).generate(smiles, 2, relax="aimnet2")
    assert result.status == "failed"
    assert result.num_rejected["relaxation"] == 2


@needs_aimnet2
def test_a_molecule_that_it_does_not_know_keeps_its_conformers_and_says_so(monkeypatch):
    monkeypatch.setattr(aimnet2, "ELEMENTS", frozenset({1, 6}))
    result = knowing("CO").generate("CO", 2, relax="aimnet2")
    assert result.num_conformers == 2
    assert "AIMNet2 does not know O" in result.reason
    assert "the conformers are not relaxed" in result.reason


@needs_aimnet2
def test_structures_of_graphs_have_the_energies_of_their_molecules():
    mols = [embedded(smiles) for smiles in ("CC(=O)[O-]", "C[NH2+]CC", "OCCBr")]
    graphs = collate([mol_to_graph(mol, -1, vocabulary=ORGANIC) for mol in mols])
    assert graphs.positions is not None
    places = torch.stack([graphs.positions, graphs.positions + 1.0], dim=1).flatten(0, 1)
    found, forces = AIMNet2Potential()(places, graphs)
    expected = [aimnet2.energies(mol)[0] for mol in mols]
    np.testing.assert_allclose(found[::2], expected, rtol=1e-6)
    np.testing.assert_allclose(found[1::2], expected, rtol=1e-6)
    assert float(forces.sum(1).abs().max()) < 0.05
    padding = ~graphs.mask.repeat_interleave(2, 0)
    assert float(forces[padding].abs().max()) == 0
