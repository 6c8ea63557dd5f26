"""From an InChI to the tautomer that is usually meant."""

from __future__ import annotations

import re

from rdkit import Chem

_LAYER_WITH_MOBILE = re.compile(r"/h[^/]*\(H")
_IMIDIC_ACID = Chem.MolFromSmarts("[OX2H1,SX2H1]-[CX3]=[NX2]")
_MAX_TAUTOMERS = 100


def from_inchi(inchi: str) -> tuple[Chem.Mol | None, bool]:
    """The molecule of an InChI, None if RDKit cannot read it, and whether another tautomer may be meant.

    A standard InChI says of mobile hydrogens only that they are on one or another of several atoms, as in (H2,4,6), and
    RDKit puts them anywhere: amides, ureas and peptides become imidic acids. Here these are made amides again, and of
    the other tautomers with the same InChI the one that RDKit's rules score highest is taken (pyridones, uracil,
    xanthine). Another may be meant where there is one that is no imidic acid.
    """
    mol: Chem.Mol | None = Chem.MolFromInchi(inchi)
    if mol is None or not _LAYER_WITH_MOBILE.search(inchi):
        return mol, False
    amide, standard = _as_amides(mol), Chem.MolToInchi(mol)
    return _usual_tautomer(amide if Chem.MolToInchi(amide) == standard else mol, standard)


def _as_amides(mol: Chem.Mol) -> Chem.Mol:
    """HO-C=N, and HS-C=N, made O=C-NH."""
    amide = Chem.RWMol(mol)
    while found := amide.GetSubstructMatch(_IMIDIC_ACID):
        oxygen, carbon, nitrogen = found
        amide.GetBondBetweenAtoms(carbon, nitrogen).SetStereo(Chem.BondStereo.STEREONONE)
        amide.GetBondBetweenAtoms(carbon, nitrogen).SetBondType(Chem.BondType.SINGLE)
        amide.GetBondBetweenAtoms(oxygen, carbon).SetBondType(Chem.BondType.DOUBLE)
        for end in map(amide.GetAtomWithIdx, (oxygen, nitrogen)):
            end.SetNoImplicit(False)
            end.SetNumExplicitHs(0)
        Chem.SanitizeMol(amide)
    Chem.AssignStereochemistry(amide, cleanIt=True, force=True)
    return amide.GetMol()


def _usual_tautomer(mol: Chem.Mol, inchi: str) -> tuple[Chem.Mol, bool]:
    from rdkit.Chem.MolStandardize import rdMolStandardize  # loaded for an InChI alone

    rules = rdMolStandardize.TautomerEnumerator()
    rules.SetMaxTautomers(_MAX_TAUTOMERS)
    rules.SetRemoveSp3Stereo(False)
    rules.SetRemoveBondStereo(False)
    possible = {Chem.MolToSmiles(mol): mol}
    for tautomer in rules.Enumerate(mol):
        if not tautomer.HasSubstructMatch(_IMIDIC_ACID) and Chem.MolToInchi(tautomer) == inchi:
            possible.setdefault(Chem.MolToSmiles(tautomer), tautomer)
    return max(possible.values(), key=rules.ScoreTautomer), len(possible) > 1
