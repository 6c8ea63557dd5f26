"""Pieces between rotatable bonds, from different conformers."""

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.molecules.pieces import Pieces
from molediff.molecules.rotors import BETWEEN_HEAVY, Rotors

MOL = Chem.AddHs(Chem.MolFromSmiles("C1CCCCC1CC(=O)N2CCOCC2"))
rdDistGeom.EmbedMultipleConfs(MOL, 4, randomSeed=5)
X = np.stack([conformer.GetPositions() for conformer in MOL.GetConformers()])
ROTORS = Rotors.of(MOL)
ROTORS = ROTORS.subset(ROTORS.kind == BETWEEN_HEAVY)
PIECES = Pieces(ROTORS)


def distances(x: np.ndarray) -> np.ndarray:
    return np.linalg.norm(x[..., :, None, :] - x[..., None, :, :], axis=-1)


def test_pieces_of_one_conformer_give_its_bonds_and_angles():
    choice = np.repeat(np.arange(4)[:, None], len(PIECES), axis=1)
    near = Chem.GetDistanceMatrix(MOL) <= 2
    np.testing.assert_allclose(
        distances(PIECES.combined(X, choice))[:, near], distances(X)[:, near], atol=1e-9
    )


def test_each_piece_is_that_of_the_conformer_chosen():
    choice = np.random.default_rng(1).integers(4, size=(30, len(PIECES)))
    made = PIECES.combined(X, choice)
    seen = np.zeros(MOL.GetNumAtoms(), dtype=bool)
    for piece in range(len(PIECES)):
        inside = ~ROTORS.turned.any(0) if piece == 0 else ROTORS.turned[piece - 1].copy()
        for rotor, turned in enumerate(ROTORS.turned):
            if piece and rotor != piece - 1 and turned.sum() < ROTORS.turned[piece - 1].sum():
                inside &= ~turned
        seen |= inside
        np.testing.assert_allclose(
            distances(made[:, inside]), distances(X[choice[:, piece]][:, inside]), atol=1e-9
        )
    assert seen.all()


def test_bonds_between_pieces_keep_a_length_that_a_conformer_has():
    choice = np.random.default_rng(2).integers(4, size=(30, len(PIECES)))
    made = PIECES.combined(X, choice)
    for j, k in ROTORS.bonds:
        length = np.linalg.norm(made[:, j] - made[:, k], axis=-1)
        allowed = np.linalg.norm(X[:, j] - X[:, k], axis=-1)
        assert np.abs(length[:, None] - allowed).min(axis=1).max() < 1e-9
