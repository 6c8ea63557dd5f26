import csv

import numpy as np
from places import DATA
from rdkit import Chem

from molediff.evaluation.conformers.benchmark.known_molecules import (
    KnownMolecule,
    ReferenceGeometry,
    judge,
    summarize,
    table,
)
from molediff.evaluation.conformers.references import read_references
from molediff.molecules.conformers import with_conformers
from molediff.molecules.generator import ConformerGenerator


def water(bond=0.96, degrees=104.5):
    half = np.radians(degrees) / 2
    x = bond * np.array([[0, 0, 0], [np.sin(half), np.cos(half), 0], [-np.sin(half), np.cos(half), 0]])
    return with_conformers(Chem.AddHs(Chem.MolFromSmiles("O")), [x])


def positions(mol):
    return np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])


def test_errors_are_those_of_bonds_and_angles():
    errors = ReferenceGeometry(water()).errors(positions(water(0.98, 107.5)))
    np.testing.assert_allclose(errors, [[0.02, 3.0]], atol=1e-9)


def test_equivalent_hydrogens_may_change_places():
    x = positions(water())
    x[0, 1] *= 1.1
    swapped = x[:, [0, 2, 1]]
    reference = ReferenceGeometry(with_conformers(water(), [x[0]]))
    np.testing.assert_allclose(reference.errors(swapped), 0, atol=1e-9)


def test_the_nearest_minimum_counts():
    two = with_conformers(water(), [positions(water(0.90))[0], positions(water(1.00))[0]])
    np.testing.assert_allclose(ReferenceGeometry(two).errors(positions(water(0.99)))[:, 0], 0.01)


def test_shares_count_conformers():
    rows = [
        KnownMolecule("a/x", "O", 4, 4, 3, 0.1, 1.0, ""),
        KnownMolecule("b/y", "N", 4, 0, 0, 0.0, 0.0, "no"),
        KnownMolecule("b/z", "C", 4, 2, 2, 0.0, 0.0, "some"),
    ]
    figures = summarize(rows)
    assert figures["returned"] == 6 / 12
    assert figures["right"] == 5 / 6
    assert figures["all_right"] == 0
    assert table({"w": rows}).splitlines()[-1] == "| all | 3 | 50.0 | 83.3 |"
    assert table({"w": rows[1:2]}).splitlines()[-1] == "| all | 1 | 0.0 | – |"


def test_ethanol_of_the_shipped_weights_is_judged():
    mol = next(m for m in known() if Chem.MolToSmiles(Chem.RemoveHs(m)) == "CCO")
    row = judge(ConformerGenerator.from_pretrained("qm9", device="cpu"), mol, 2, seed=1)
    assert (row.name, row.num_returned) == ("small/ethanol", 2)
    assert row.group == "small"
    assert row.bond_error < 0.06


def known():
    return read_references(DATA / "known_molecules.sdf.gz")


def test_references_are_near_the_measured_bonds():
    """GFN2-xTB against gas-phase structures: the mean of a sort of bond within 0.06 A, 0.015 A on the average."""
    minima = {Chem.MolToSmiles(Chem.RemoveHs(mol)): mol for mol in known()}
    signs = {"-": "SINGLE", "=": "DOUBLE", "#": "TRIPLE", ":": "AROMATIC"}
    with open(DATA / "known_molecules_measured.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    errors = {}
    for row in rows:
        mol = minima[Chem.CanonSmiles(row["smiles"])]
        first, sign, last = row["bond"]
        x = positions(mol)[0]
        lengths = [
            np.linalg.norm(x[bond.GetBeginAtomIdx()] - x[bond.GetEndAtomIdx()])
            for bond in mol.GetBonds()
            if str(bond.GetBondType()) == signs[sign]
            and sorted((bond.GetBeginAtom().GetSymbol(), bond.GetEndAtom().GetSymbol()))
            == sorted((first, last))
        ]
        errors[row["smiles"], row["bond"]] = np.mean(lengths) - float(row["angstrom"])
    assert len(errors) > 30
    assert max(map(abs, errors.values())) < 0.06, errors
    assert np.mean(np.abs(list(errors.values()))) < 0.015, errors
