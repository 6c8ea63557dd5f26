"""Ions that a molecule is in water: lists of SMILES are mostly of neutral molecules, amines and acids are not."""

from __future__ import annotations

from rdkit import Chem

from molediff.molecules.perception.charges import has_unbalanced_charge

_ACIDS = tuple(
    map(
        Chem.MolFromSmarts,
        (
            "[OX2H1;+0]-[CX3]=O",  # carboxylic acids
            "[OX2H1;+0]-[P,S]=O",  # phosphoric, phosphonic, sulfonic and sulfinic acids
            "[NX3H1;+0](-[CX3]=O)-S(=O)=O",  # acylsulfonamides
            "[nH1;+0]1nnnc1",  # tetrazoles
            "[nH1;+0]1nncn1",
        ),
    )
)
# Neighbours, and atoms of the ring, that pull on the lone pair of a nitrogen atom.
_PULLING_AMINES = "[$([CX4]-F),$([CX4]-C#N),$([CX4]-C(F)(F)F)]"
_PULLING_RINGS = "[$(C#N),$(C=[O,S]),$(S=O),$([N+]=O),F,Cl,Br,I]"
_FREE = f"R1;!$(*-{_PULLING_RINGS})"
_BASES = tuple(
    map(
        Chem.MolFromSmarts,
        (
            # aliphatic amines
            f"[NX3;+0;$(N-[CX4]);!$(N-[!#6]);!$(N-[#6;!X4]);!$(N-{_PULLING_AMINES})]",
            "[NX2;+0;$(N=[CX3]-[NX3]);!$(N-[!#6]);!$(N-[#6;!X4])]",  # amidines and guanidines
            # imidazoles in no other ring
            f"[nX2;+0;R1;$(n1[c;{_FREE}][nX3;{_FREE}][c;{_FREE}][c;{_FREE}]1)]",
        ),
    )
)
_MOST_CHARGES = 2  # of an ion, with either sign: more stay together in water alone


def ions(smiles: str) -> tuple[str, ...]:
    """Canonical SMILES of the cations with one proton more and of the anion without its acids' protons, each once.

    Aliphatic amines, amidines, guanidines and imidazoles take up a proton, but not those that are too weak for it in
    water: amines beside cyano, fluorine or CF3, and imidazoles that are fused, as in purines, or bear acyl, cyano,
    nitro, sulfonyl or a halogen. Carboxylic, sulfonic, sulfinic and phosphoric acids, acylsulfonamides and tetrazoles
    give one off, of a group with several acid protons one. What is an ion already has none, no ion has more than two
    charges, and no zwitterions come out: in vacuum a proton would go back.

    Raises:
        ValueError: RDKit cannot read the SMILES.
    """
    mol = Chem.MolFromSmiles(smiles)
    if mol is None:
        raise ValueError(f"RDKit cannot read the SMILES {smiles!r}.")
    if has_unbalanced_charge(mol):
        return ()
    found = [_charged(mol, [base], 1) for base in _first_atoms(mol, _BASES)]
    acids = _one_a_group(mol, _first_atoms(mol, _ACIDS))
    if 0 < len(acids) <= _MOST_CHARGES:
        found.append(_charged(mol, acids, -1))
    return tuple(dict.fromkeys(found))


def _first_atoms(mol: Chem.Mol, patterns: tuple[Chem.Mol, ...]) -> list[int]:
    return sorted({match[0] for pattern in patterns for match in mol.GetSubstructMatches(pattern)})


def _one_a_group(mol: Chem.Mol, atoms: list[int]) -> list[int]:
    """One of the atoms on each neighbour that they share: phosphates lose one proton."""
    bearers: dict[int, int] = {}
    for atom in atoms:
        for neighbour in mol.GetAtomWithIdx(atom).GetNeighbors():
            if neighbour.GetSymbol() in ("P", "S"):
                bearers.setdefault(neighbour.GetIdx(), atom)
                break
        else:
            bearers[-1 - atom] = atom
    return sorted(bearers.values())


def _charged(mol: Chem.Mol, atoms: list[int], charge: int) -> str:
    changed = Chem.RWMol(mol)
    for index in atoms:
        atom = changed.GetAtomWithIdx(index)
        hydrogens = atom.GetTotalNumHs() + charge
        atom.SetFormalCharge(charge)
        atom.SetNoImplicit(True)
        atom.SetNumExplicitHs(hydrogens)
    Chem.SanitizeMol(changed)
    return Chem.CanonSmiles(Chem.MolToSmiles(changed))
