"""Molecules that no weights can take, and what to do about each: wildcards, polymers, salts, metals, radicals."""

from __future__ import annotations

from rdkit import Chem

from molediff.molecules.errors import UnusableInputError
from molediff.molecules.graph.vocabulary import MAX_CHARGE, ORGANIC, Vocabulary

_ATROPISOMERS = (Chem.BondStereo.STEREOATROPCW, Chem.BondStereo.STEREOATROPCCW)
_POLYMERS = ("SRU", "MON", "MER", "COP", "CRO", "GRA")
"""Brackets of a mol block or CXSMILES around what is repeated."""

# Not counted as metals: noble gases, halogens, and the nonmetals and metalloids beside them.
_NONMETALS = frozenset((1, 2, *range(5, 11), *range(14, 19), *range(32, 37), *range(51, 55), 85, 86))


def check_chemistry(mol: Chem.Mol, vocabulary: Vocabulary) -> None:
    """Raise `UnusableInputError` for what no training molecule is, beyond what the graph features refuse."""
    if mol.GetNumAtoms() == 0:
        raise UnusableInputError("The molecule has no atoms.")
    check_is_whole(mol)
    _check_is_one_fragment(mol)
    _check_charges(mol)
    _check_elements(mol, vocabulary)
    # The training molecules have closed shells.
    radicals = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetNumRadicalElectrons()]
    if any(_is_carbene(mol.GetAtomWithIdx(atom)) for atom in radicals):
        raise UnusableInputError(
            f"A carbene (atom {', '.join(map(str, radicals))}): carbon with two bonds and a lone pair is not "
            "supported, give a molecule in which it is bound, or its salt."
        )
    if radicals:
        raise UnusableInputError(
            f"Unpaired electrons on atom {', '.join(map(str, radicals))}: radicals are not supported, "
            "give the closed-shell molecule."
        )
    if mol.GetNumAtoms() == 1:
        raise UnusableInputError("A single atom has no bonds, and no geometry to generate: give a molecule.")
    if any(bond.GetBondType() == Chem.BondType.AROMATIC and not bond.IsInRing() for bond in mol.GetBonds()):
        raise UnusableInputError("A bond outside of rings is marked as aromatic: make it single or double.")
    if any(bond.GetStereo() in _ATROPISOMERS for bond in mol.GetBonds()):
        raise UnusableInputError(
            "Atropisomers (hindered rotation given as stereo) are not supported: remove that label."
        )


def _is_carbene(atom: Chem.Atom) -> bool:
    return bool(atom.GetSymbol() == "C" and atom.GetNumRadicalElectrons() == 2 and atom.GetDegree() == 2)


def check_is_whole(mol: Chem.Mol) -> None:
    """Refuse what stands for many molecules: open places, and brackets around what is repeated."""
    wildcards = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetAtomicNum() == 0]
    if wildcards:
        raise UnusableInputError(
            f"Wildcards (*) at atom {', '.join(map(str, wildcards))}, as in polymers and R groups: put an atom or "
            "a group there, such as hydrogen or methyl."
        )
    groups = Chem.GetMolSubstanceGroups(mol)
    if any(group.HasProp("TYPE") and group.GetProp("TYPE") in _POLYMERS for group in groups):
        raise UnusableInputError(
            "It is marked as a polymer, with brackets around what is repeated: give one oligomer without them."
        )


def _check_is_one_fragment(mol: Chem.Mol) -> None:
    num_fragments = len(Chem.GetMolFrags(mol))
    if num_fragments > 1:
        raise UnusableInputError(
            f"{num_fragments} separate fragments: give one molecule at a time, or largest_fragment=True, which leaves "
            "salts and solvents out."
        )


def _check_charges(mol: Chem.Mol) -> None:
    for atom in mol.GetAtoms():
        charge, number = atom.GetFormalCharge(), atom.GetAtomicNum()
        if abs(charge) <= MAX_CHARGE or number not in _NONMETALS:
            continue
        oxygens = sum(neighbour.GetAtomicNum() == 8 for neighbour in atom.GetNeighbors())
        read = f", with single bonds to its {oxygens} oxygens as RDKit reads it" if oxygens > 2 else ""
        raise UnusableInputError(
            f"Atom {atom.GetIdx()}, {atom.GetSymbol()}, has the charge {charge:+d}{read}: no weights know charges "
            f"beyond -{MAX_CHARGE} to +{MAX_CHARGE}. Leave out such an ion, or take its geometry from elsewhere."
        )


def _check_elements(mol: Chem.Mol, vocabulary: Vocabulary) -> None:
    numbers = {atom.GetAtomicNum() for atom in mol.GetAtoms()}
    foreign = sorted(numbers - {*vocabulary.elements}, key=_symbol)
    if not foreign:
        return
    if metals := [number for number in foreign if number not in _NONMETALS]:
        what_to_do = "metals are known to no weights, give what is bound to them without them"
        foreign = metals
    elif numbers <= {*ORGANIC.elements}:
        what_to_do = "use the weights 'auto', which know more elements"
    else:
        what_to_do = "no weights know more elements"
    raise UnusableInputError(
        f"Only {vocabulary.names()} are supported, not {', '.join(map(_symbol, foreign))}: {what_to_do}."
    )


def _symbol(number: int) -> str:
    return str(Chem.GetPeriodicTable().GetElementSymbol(number))
