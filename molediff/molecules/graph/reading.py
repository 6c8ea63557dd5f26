"""From text or an RDKit Mol to a sanitized molecule: SMILES, InChI, mol blocks, and what is none of them."""

from __future__ import annotations

import itertools
import re
from typing import Any

from rdkit import Chem

from molediff.molecules.errors import UnusableInputError
from molediff.molecules.graph.inchi import from_inchi
from molediff.molecules.graph.limits import too_large
from molediff.molecules.graph.refusals import check_is_whole
from molediff.molecules.graph.spelling import fault_of, meant_by
from molediff.molecules.hydrogens import bare_smiles, without_hydrogens

CIS_TRANS = (
    Chem.BondStereo.STEREOZ,
    Chem.BondStereo.STEREOE,
    Chem.BondStereo.STEREOCIS,
    Chem.BondStereo.STEREOTRANS,
)
_TETRAHEDRAL = (
    Chem.ChiralType.CHI_UNSPECIFIED,
    Chem.ChiralType.CHI_TETRAHEDRAL_CW,
    Chem.ChiralType.CHI_TETRAHEDRAL_CCW,
)

# RDKit's parsers need time and stack for long text; a mol block of 255 atoms has some 30,000 characters.
_MAX_LENGTH = {"SMILES": 10_000, "InChI": 10_000, "mol block": 200_000}
_VERSIONS = ("V2000", "V3000")
_INCHI_KEY = re.compile(r"[A-Z]{14}-[A-Z]{10}-[A-Z]")
_MAPPED_HYDROGEN = re.compile(r"\[\d*H[+-]?:\d+\]")
_CXSMILES = re.compile(r"\|.*\|")
_MAX_EXAMPLES = 4
_OTHER_TAUTOMERS = (
    "the InChI stands for several tautomers, of which this is one: give the SMILES if you mean another"
)
_MIXTURES = (Chem.StereoGroupType.STEREO_AND, Chem.StereoGroupType.STEREO_OR)


def from_text(text: str, max_atoms: int) -> tuple[Chem.Mol, str, str]:
    """The molecule of a SMILES, an InChI or a mol block, its SMILES, the one given if it is one, and a caution, or "".

    Args:
        text: one molecule; behind a SMILES an extension (CXSMILES) may stand, a name may not.
        max_atoms: of a text with more atoms than these nothing more is read than their number.

    Raises:
        UnusableInputError: it is none of these, or no possible molecule.
    """
    stripped = text.strip()
    caution = ""
    if not stripped:
        raise UnusableInputError("The SMILES is empty: give one molecule, such as 'CCO'.")
    if len(stripped.splitlines()) > 1 or (len(text.splitlines()) > 1 and any(v in text for v in _VERSIONS)):
        mol = _from_mol_block(text)
    elif stripped.startswith("InChI="):
        mol, caution = _from_inchi(stripped)
    elif _INCHI_KEY.fullmatch(stripped):
        raise UnusableInputError(
            f"{stripped} is an InChIKey, from which no molecule can be read back: give its SMILES or InChI."
        )
    else:
        smiles = stripped.split()[0]
        return _from_smiles(stripped, smiles, max_atoms), smiles, ""
    return mol, bare_smiles(mol), caution


def _from_smiles(text: str, smiles: str, max_atoms: int) -> Chem.Mol:
    _check_length(smiles, "SMILES")
    foreign = next((letter for letter in smiles if not ("!" <= letter <= "~")), None)
    if foreign is not None:  # RDKit passes over some of them, and raises or stops at others
        letter = f"{foreign!r} (U+{ord(foreign):04X})"
        raise UnusableInputError(
            f"The SMILES has the character {letter}, which no SMILES has: check how it was read."
        )
    extension = text[len(smiles) :].strip()
    raw: Chem.Mol | None = Chem.MolFromSmiles(smiles, sanitize=False)
    if raw is not None and extension and not _CXSMILES.fullmatch(extension):
        raise UnusableInputError(
            f"{shortened(text)!r} is a SMILES with something behind it: names are read from files only, so give "
            f"{shortened(smiles)!r} alone, or each molecule by itself."
        )
    if raw is not None and raw.GetNumAtoms() > max_atoms:
        raise UnusableInputError(too_large(raw.GetNumAtoms(), max_atoms, at_least=True))
    parameters: Any = Chem.SmilesParserParams()
    parameters.removeHs = False
    mol: Chem.Mol | None = Chem.MolFromSmiles(text, parameters)
    if mol is not None:  # explicit hydrogens go, but for numbered ones, which are to be found again
        return mol if _MAPPED_HYDROGEN.search(smiles) else without_hydrogens(mol)
    problems = () if raw is None else Chem.DetectChemistryProblems(raw)
    if problems:
        said = "; ".join(problem.Message().rstrip(".") for problem in problems)
        raise UnusableInputError(f"{shortened(smiles)!r} is not a possible molecule: {said}.")
    if raw is not None and extension:
        raise UnusableInputError(
            f"The extension {shortened(extension)!r} behind the SMILES cannot be read: leave it out."
        )
    separator = next((mark for mark in (",", ";") if mark in smiles), None)
    hint = (
        f"; {separator!r} is part of none: names stand behind a blank, or in a .csv file with a header"
        if separator
        else meant_by(smiles)
    )
    fault = fault_of(smiles)
    raise UnusableInputError(
        f"{shortened(smiles)!r} is not a SMILES that RDKit can read{fault}: check its spelling{hint}."
    )


def _from_inchi(inchi: str) -> tuple[Chem.Mol, str]:
    _check_length(inchi, "InChI")
    mol, is_open = from_inchi(inchi)
    if mol is None:
        raise UnusableInputError(
            f"{shortened(inchi)!r} is not an InChI that RDKit can read: check its spelling."
        )
    return mol, _OTHER_TAUTOMERS if is_open else ""


def _from_mol_block(text: str) -> Chem.Mol:
    if not any(version in text for version in _VERSIONS):
        raise UnusableInputError(
            "The text has several lines and is no mol block: give one SMILES, InChI or mol block at a time."
        )
    _check_length(text, "mol block")
    records = [record for record in text.split("$$$$") if record.strip()]
    if len(records) > 1:
        raise UnusableInputError(
            f"The text holds {len(records)} mol blocks: give them one at a time, or as a file that ends in .sdf."
        )
    mol: Chem.Mol | None = Chem.MolFromMolBlock(records[0], removeHs=False)
    if mol is None:
        raise UnusableInputError("The mol block cannot be read as a molecule: check its counts and bonds.")
    return from_mol(mol)


def _check_length(text: str, kind: str) -> None:
    if len(text) > _MAX_LENGTH[kind]:
        raise UnusableInputError(
            f"A {kind} of {len(text)} characters is longer than that of any molecule supported "
            f"({_MAX_LENGTH[kind]}): check where it ends."
        )


def from_mol(given: Chem.Mol) -> Chem.Mol:
    """A sanitized copy without conformers, its stereo as its tags say.

    Raises:
        UnusableInputError: it is a query or no possible molecule.
    """
    mol = tidied(given)
    if any(atom.GetAtomicNum() == 0 and atom.GetSymbol().startswith("R") for atom in mol.GetAtoms()):
        check_is_whole(mol)  # R groups of a mol block, which RDKit reads as queries
    if any(atom.HasQuery() for atom in mol.GetAtoms()) or any(bond.HasQuery() for bond in mol.GetBonds()):
        raise UnusableInputError(
            "The Mol is a query (SMARTS): give a molecule, such as Chem.MolFromSmiles makes."
        )
    try:
        Chem.SanitizeMol(mol)
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise UnusableInputError(f"RDKit cannot sanitize the Mol: {shortened(reason, 200)}") from error
    _assign_stereo(mol)
    return mol


def tidied(given: Chem.Mol) -> Chem.Mol:
    """A copy without conformers and without tags of atoms that are not tetrahedral, on which RDKit can crash."""
    mol = Chem.Mol(given)
    mol.RemoveAllConformers()
    for atom in mol.GetAtoms():
        if atom.GetChiralTag() not in _TETRAHEDRAL:
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    return mol


def _assign_stereo(mol: Chem.Mol) -> None:
    """Drop tags of atoms and bonds that cannot have stereo, but no double bond's stereo that was given.

    RDKit derives it anew from the directions of the neighbouring bonds, and clears it on a Mol that has lost them.
    """
    given = {bond.GetIdx(): (bond.GetStereo(), list(bond.GetStereoAtoms())) for bond in mol.GetBonds()}
    Chem.AssignStereochemistry(mol, cleanIt=True, force=True)
    for bond in mol.GetBonds():
        stereo, atoms = given[bond.GetIdx()]
        if stereo not in CIS_TRANS or bond.GetStereo() != Chem.BondStereo.STEREONONE:
            continue
        if len(atoms) != 2:
            raise UnusableInputError(
                f"The double bond between atoms {bond.GetBeginAtomIdx()} and {bond.GetEndAtomIdx()} is marked as E "
                "or Z without saying relative to which atoms: set them with Bond.SetStereoAtoms."
            )
        bond.SetStereoAtoms(*atoms)
        bond.SetStereo(stereo)


def check_is_one_stereoisomer(mol: Chem.Mol) -> None:
    """Raise `UnusableInputError` if enhanced stereo (`&1`, `o1`) makes `mol` a mixture; it says of what."""
    groups = [group for group in mol.GetStereoGroups() if group.GetGroupType() in _MIXTURES]
    if not groups:
        return
    found: dict[str, None] = {}
    for turned in itertools.islice(itertools.product((False, True), repeat=len(groups)), 2 * _MAX_EXAMPLES):
        isomer = Chem.RWMol(mol)
        isomer.SetStereoGroups([])
        for atom in (a for group, turn in zip(groups, turned, strict=True) if turn for a in group.GetAtoms()):
            isomer.GetAtomWithIdx(atom.GetIdx()).InvertChirality()
        found[bare_smiles(isomer)] = None
    examples = ", ".join(repr(smiles) for smiles in itertools.islice(found, _MAX_EXAMPLES))
    raise UnusableInputError(
        "Its enhanced stereo (racemic or relative centres) stands for several stereoisomers: give one of them, such as "
        f"{examples}."
    )


def shortened(text: str, length: int = 60) -> str:
    """`text`, or its beginning."""
    return text if len(text) <= length else text[: length - 3] + "..."
