"""Names that chemists give to parts of molecules, for sentences about them."""

from __future__ import annotations

from functools import cache

from rdkit import Chem

_GROUPS = {
    "a trioxide": "[OX2][OX2][OX2]",
    "a peracid": "C(=O)[OX2][OX2]",
    "a hydroperoxide": "[OX2][OX2H1]",
    "a peroxide": "[OX2][OX2]",
    "an azide": "N=[N+]=[N-]",
    "a diazonium ion": "[N+]#N",
    "a diazo group": "[#6]=[N+]=[N-]",
    "a nitro group": "[N+](=O)[O-]",
    "an azoxy group": "N=[N+][O-]",
    "a nitrile oxide": "C#[N+][O-]",
    "a nitrone": "C=[N+][O-]",
    "an N-oxide": "[N+][O-]",
    "an isocyanide": "[N+]#[C-]",
    "an isocyanate": "N=C=O",
    "an isothiocyanate": "N=C=S",
    "a carbodiimide": "N=C=N",
    "a ketene": "C=C=O",
    "a ketenimine": "C=C=N",
    "a butatriene": "C=C=C=C",
    "an allene": "C=C=C",
    "a nitrosamine": "NN=O",
    "a nitrite": "ON=O",
    "a nitroso group": "N=O",
    "a hydrazone": "[#6]=N[NX3]",
    "an azo group": "[NX2]=[NX2]",
    "a hydrazine": "[NX3][NX3]",
    "a hydroxylamine": "[NX3][OX2]",
    "an O-F bond": "OF",
    "an N-F bond": "NF",
    "a carboxylate": "C(=O)[O-]",
    "an acid anhydride": "C(=O)OC(=O)",
    "an acyl fluoride": "C(=O)F",
    "a carboxylic acid": "C(=O)[OX2H1]",
    "a sulfonamide": "S(=O)(=O)N",
    "a sulfone": "S(=O)(=O)",
    "a phosphate": "P(=O)(O)(O)O",
}
"""The longest first: a bond is named by the first that has it."""


@cache
def _patterns() -> tuple[tuple[str, Chem.Mol], ...]:
    return tuple((name, Chem.MolFromSmarts(smarts)) for name, smarts in _GROUPS.items())


def names_of_bonds(mol: Chem.Mol, bonds: list[tuple[int, int]]) -> list[str]:
    """What bonds belong to: groups by their names, other bonds with their neighbours ("the bond C-C in CC=O").

    A group is named if all of its bonds are among `bonds`; those beside it are then not named by themselves.

    Args:
        mol: sanitized, explicit hydrogens.
        bonds: atoms of each bond; the same atom twice stands for a molecule with one heavy atom.

    Returns:
        Names, groups first, each once.
    """
    left = {frozenset(bond) for bond in bonds}
    found, inside = [], set[int]()
    for name, pattern in _patterns():
        for match in mol.GetSubstructMatches(pattern):
            core = {
                frozenset((match[bond.GetBeginAtomIdx()], match[bond.GetEndAtomIdx()]))
                for bond in pattern.GetBonds()
            }
            if core <= left and not inside.issuperset(match):
                found.append(name)
                inside.update(match)
    found += [_surroundings(mol, *bond) for bond in bonds if not inside.intersection(bond)]
    return list(dict.fromkeys(found))


def _surroundings(mol: Chem.Mol, i: int, j: int) -> str:
    """A bond and the heavy atoms around it as SMILES."""
    if i == j:
        return f"{Chem.MolToSmiles(Chem.RemoveHs(mol), isomericSmiles=False)} by itself"
    heavy = {i, j} | {
        neighbour.GetIdx()
        for end in (i, j)
        for neighbour in mol.GetAtomWithIdx(end).GetNeighbors()
        if neighbour.GetAtomicNum() > 1
    }
    part = Chem.MolFragmentToSmiles(mol, sorted(heavy), isomericSmiles=False)
    bond = mol.GetBondBetweenAtoms(i, j)
    sign = _SIGNS.get(bond.GetBondType(), "~")
    ends = sorted(mol.GetAtomWithIdx(end).GetSymbol() for end in (i, j))
    return f"the bond {sign.join(ends)} in {part}"


_SIGNS = {
    Chem.BondType.SINGLE: "-",
    Chem.BondType.DOUBLE: "=",
    Chem.BondType.TRIPLE: "#",
    Chem.BondType.AROMATIC: ":",
}
