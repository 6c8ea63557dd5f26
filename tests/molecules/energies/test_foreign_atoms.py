"""Molecules with atoms that MMFF94s does not know go down to the shapes that minima have."""

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdMolTransforms

from molediff.molecules.conformers import with_conformers
from molediff.molecules.energies.mmff import MMFF
from molediff.molecules.energies.relax import conformer_energies, relax_conformers
from molediff.molecules.errors import ForceFieldError
from molediff.molecules.generation.check import sieve
from molediff.molecules.generation.checks import standard_checks
from molediff.molecules.perception import internal_coordinates

PHENYL_PINACOL = "CC1(C)OB(c2ccccc2)OC1(C)C"


def started(smiles: str) -> tuple[Chem.Mol, np.ndarray]:
    """A molecule and a rough structure (1, N, 3)."""
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    parameters = rdDistGeom.ETDG()
    parameters.randomSeed, parameters.useRandomCoords = 3, True
    assert rdDistGeom.EmbedMolecule(mol, parameters) == 0
    x = mol.GetConformer().GetPositions()
    mol.RemoveAllConformers()
    return mol, x[None]


def lowered(smiles: str) -> tuple[Chem.Mol, np.ndarray]:
    mol, x = started(smiles)
    return mol, MMFF(mol, amended=True).lowered(x, 60)[0]


def values(function, smiles: str, pattern: str) -> np.ndarray:
    """Lengths, angles or dihedrals of all that match, in the minimum next to a rough structure."""
    mol, x = lowered(smiles)
    atoms = np.array(mol.GetSubstructMatches(Chem.MolFromSmarts(pattern), uniquify=False))
    assert len(atoms)
    return function(x, atoms)[0]


# Of AIMNet2 minima, in Angstrom.
@pytest.mark.parametrize(
    ("smiles", "bond", "length"),
    [
        ("OB(O)c1ccccc1", "BO", 1.365),
        (PHENYL_PINACOL, "BO", 1.365),
        (PHENYL_PINACOL, "Bc", 1.555),
        ("CCB(O)O", "BC", 1.575),
        ("CB(C)NC", "BN", 1.40),
        ("F[B-](F)(F)c1ccccc1", "BF", 1.42),
        ("C[N+](C)(C)[BH3-]", "BN", 1.64),
        ("C[Se]CC", "C[Se]", 1.955),
        ("FS(F)(F)(F)(F)c1ccccc1", "SF", 1.59),
        ("CN=S=O", "N=S", 1.51),
    ],
)
def test_bonds_have_the_length_of_minima(smiles, bond, length):
    np.testing.assert_allclose(values(internal_coordinates.length, smiles, bond), length, atol=0.045)


@pytest.mark.parametrize("smiles", ["OB(O)c1ccccc1", PHENYL_PINACOL, "CB(C)N(C)C", "CB1OCCO1"])
def test_trigonal_boron_is_flat(smiles):
    mol, x = lowered(smiles)
    atoms = [
        (atom.GetIdx(), *(neighbour.GetIdx() for neighbour in atom.GetNeighbors()))
        for atom in mol.GetAtoms()
        if atom.GetSymbol() in "BN"
    ]
    np.testing.assert_allclose(internal_coordinates.height(x, np.array(atoms)), 0, atol=0.08)


@pytest.mark.parametrize(
    ("smiles", "pattern"), [("F[P-](F)(F)(F)(F)F", "FPF"), ("FS(F)(F)(F)(F)c1ccccc1", "FSF")]
)
def test_six_neighbours_make_an_octahedron(smiles, pattern):
    angles = values(internal_coordinates.angle, smiles, pattern)
    assert (np.minimum(np.abs(angles - 90), np.abs(angles - 180)) < 5).all()


def test_five_neighbours_make_a_bipyramid():
    angles = np.sort(values(internal_coordinates.angle, "FP(F)(F)(F)F", "FPF"))[::2]
    np.testing.assert_allclose(angles, [90] * 6 + [120] * 3 + [180], atol=4)


@pytest.mark.parametrize("smiles", ["CN=S=O", "CC(C)N=S=O", "O=S=Nc1ccccc1"])
def test_sulfinylamines_are_flat_and_cis(smiles):
    np.testing.assert_allclose(values(internal_coordinates.dihedral, smiles, "[#6]N=S=O"), 0, atol=5)


@pytest.mark.parametrize(("angle", "least", "most"), [(90.0, 3.5, 7.5), (30.0, 0.5, 2.5)])
def test_phenyl_turns_out_of_the_plane_of_a_boronate_as_it_does_in_aimnet2(angle, least, most):
    """By 1.0 kcal/mol at 30 degrees and 5.2 at 90."""
    mol, x = lowered(PHENYL_PINACOL)
    bond = mol.GetSubstructMatch(Chem.MolFromSmarts("[#8]B-!@cc"))
    turned = with_conformers(mol, [x[0], x[0]])
    for conformer, turn in zip(turned.GetConformers(), (0.0, angle), strict=True):
        rdMolTransforms.SetDihedralDeg(conformer, *bond, turn)
    points = np.stack([conformer.GetPositions() for conformer in turned.GetConformers()])
    energies = MMFF(mol, amended=True).lowered(points, 1)[1]
    assert least < energies[1] - energies[0] < most


@pytest.mark.parametrize(
    "smiles",
    [
        PHENYL_PINACOL,
        "OB(O)/C=C/CNC(=O)C",
        "CC(C)(C)OC(=O)N1CC=C(B2OC(C)(C)C(C)(C)O2)CC1",
        "F[B-](F)(F)CCN",
        "c1ccc([Se]CC(=O)O)cc1",
        "NC(=[Se])NC",
        "O=C(O)c1cccc(S(F)(F)(F)(F)F)c1",
        "CC(C)CN=S=O",
        "O=I(=O)c1ccccc1",
    ],
)
def test_what_it_ends_in_passes_all_checks(smiles):
    mol, x = lowered(smiles)
    passed, failed = sieve(standard_checks(mol), x)
    assert passed.all(), failed


@pytest.mark.parametrize("smiles", ["CC(C)N=S=O", "O=S=NCc1ccccc1"])
def test_a_twisted_sulfinylamine_is_rejected(smiles):
    mol, x = lowered(smiles)
    assert sieve(standard_checks(mol), x)[0].all()
    twisted = with_conformers(mol, list(x))
    bond = mol.GetSubstructMatch(Chem.MolFromSmarts("[#6]N=S=O"))
    rdMolTransforms.SetDihedralDeg(twisted.GetConformer(), *bond, 40.0)
    _, failed = sieve(standard_checks(mol), twisted.GetConformer().GetPositions()[None])
    assert failed["twist"] == 1


def test_the_short_bond_of_an_amine_on_boron_is_rejected():
    """It is 1.64 Angstrom long, and 1.5 in amides of boron."""
    mol, x = lowered("C[N+](C)(C)[BH3-]")
    bond = mol.GetSubstructMatch(Chem.MolFromSmarts("C[N+][B-]"))
    assert sieve(standard_checks(mol), x)[0].all()
    short = with_conformers(mol, list(x))
    rdMolTransforms.SetBondLength(short.GetConformer(), *bond[1:], 1.45)
    assert not sieve(standard_checks(mol), short.GetConformer().GetPositions()[None])[0].any()


@pytest.mark.parametrize("smiles", ["OB(O)c1ccccc1", "C[Se]C", "FP(F)(F)(F)F", "CN=S=O"])
def test_nobody_takes_its_energies_for_those_of_mmff94s(smiles):
    mol, x = started(smiles)
    mol = with_conformers(mol, list(x))
    for use in (
        lambda: MMFF(mol),
        lambda: relax_conformers(mol, "mmff"),
        lambda: conformer_energies(mol, "mmff"),
        MMFF(mol, amended=True).energy,
        MMFF(mol, amended=True).relax,
        lambda: MMFF(mol, amended=True).given_off(x, 1),
    ):
        with pytest.raises(ForceFieldError):
            use()


def test_forces_are_the_slope_of_the_energy():
    mol, x = started("FS(F)(F)(F)(F)c1ccc(B(O)O)cc1")
    field = MMFF(mol, amended=True)
    x = field.lowered(x, 5)[0]
    direction = np.random.default_rng(0).normal(size=x.shape)
    step = 1e-3 * direction
    energies = field.lowered(np.concatenate([x + step, x - step]), 1)[1]
    slope = -(field.forces(x) * direction).sum()
    assert (energies[0] - energies[1]) / 2e-3 == pytest.approx(slope, rel=2e-2)


def test_warnings_of_rdkit_about_types_of_uff_are_not_shown(capfd):
    mol, x = started("FP(F)(F)(F)F")
    capfd.readouterr()
    MMFF(mol, amended=True).lowered(x, 5)
    assert capfd.readouterr().err == ""
