"""From whatever a person hands in to a molecule that can be sampled, or a sentence that says why not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from rdkit import Chem, rdBase

from molediff.molecules.errors import UnusableInputError
from molediff.molecules.graph.graph import MolecularGraph, mol_to_graph
from molediff.molecules.graph.vocabulary import QM9, Vocabulary
from molediff.runtime.former import former_names
from molediff.sampling.seeds import numbered_generator

MAX_ATOMS = 64
"""Most atoms of an input, hydrogens included. QM9 has at most 29; far beyond that the network guesses."""

MAX_ATOMS_ORGANIC = 160
"""The same for weights that know all organic molecules; those to train on have at most 92."""


__getattr__ = former_names(__name__, {"UnusableInput": "UnusableInputError"})


@dataclass(frozen=True)
class PreparedMolecule:
    """A molecule ready for sampling.

    Attributes:
        smiles: see `GenerationResult.smiles`.
        mol: all hydrogens explicit, no conformers, stereo assigned; the caller's atom order.
        graph: what the network is told.
        key: a digest of elements and bonds in this atom order, part of every random seed.
        caution: what the result should say of the input; empty if nothing.
        conformers: those of a Mol that was given, in Angstrom, shape (K, N, 3); K is 0 where there were none.
    """

    smiles: str
    mol: Chem.Mol
    graph: MolecularGraph
    key: bytes
    caution: str = ""
    conformers: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 3)))

    @property
    def num_atoms(self) -> int:
        """Number of atoms N, hydrogens included."""
        return self.mol.GetNumAtoms()


def label(molecule: Any) -> str:
    """The text under which an input appears in its result."""
    if isinstance(molecule, str):
        return molecule
    if isinstance(molecule, Chem.Mol):
        try:
            with rdBase.BlockLogs():
                return Chem.MolToSmiles(Chem.RemoveHs(molecule, sanitize=False))
        except (RuntimeError, ValueError):
            return "<RDKit Mol>"
    return _shortened(repr(molecule))


def prepare(molecule: Any, max_atoms: int = MAX_ATOMS, vocabulary: Vocabulary = QM9) -> PreparedMolecule:
    """Read, check and featurize one input.

    Args:
        molecule: a SMILES, or an RDKit Mol, which is not changed: its coordinates are kept aside, its stereo is
            what its tags say, and hydrogens it lacks are added behind its own atoms.
        max_atoms: most atoms allowed, hydrogens included.
        vocabulary: what the network is told of atoms and pairs, and which elements it knows.

    Raises:
        UnusableInputError: with a sentence that says what is wrong and what to do.
    """
    with rdBase.BlockLogs():
        if isinstance(molecule, str):
            mol = _from_smiles(molecule)
        elif isinstance(molecule, Chem.Mol):
            mol = _from_mol(molecule)
        else:
            raise UnusableInputError(f"Expected a SMILES or an RDKit Mol, got {type(molecule).__name__}.")
        mol = Chem.AddHs(mol, addCoords=True)
        found = [c.GetPositions() for c in mol.GetConformers() if c.Is3D()]
        conformers = np.array(found, dtype=np.float64).reshape(len(found), mol.GetNumAtoms(), 3)
        mol.RemoveAllConformers()
        _clear_stereo_of_terminal_ch2(mol)
        _check_chemistry(mol, vocabulary)
        if mol.GetNumAtoms() > max_atoms:
            raise UnusableInputError(
                f"{mol.GetNumAtoms()} atoms with hydrogens, more than max_atoms={max_atoms}: use a smaller one."
            )
        try:
            graph = mol_to_graph(mol, vocabulary=vocabulary)
        except ValueError as error:
            raise UnusableInputError(str(error)) from error
        caution = _lost_stereo(molecule, mol) if isinstance(molecule, str) else ""
    return PreparedMolecule(label(molecule), mol, graph, molecule_key(mol), caution, conformers)


def _from_smiles(smiles: str) -> Chem.Mol:
    if not smiles.strip():
        raise UnusableInputError("The SMILES is empty: give one molecule, such as 'CCO'.")
    mol: Chem.Mol | None = Chem.MolFromSmiles(smiles)
    if mol is not None:
        return mol
    raw: Chem.Mol | None = Chem.MolFromSmiles(smiles, sanitize=False)
    problems = () if raw is None else Chem.DetectChemistryProblems(raw)
    if problems:
        said = "; ".join(problem.Message().rstrip(".") for problem in problems)
        raise UnusableInputError(f"{_shortened(smiles)!r} is not a possible molecule: {said}.")
    raise UnusableInputError(
        f"{_shortened(smiles)!r} is not a SMILES that RDKit can read: check its spelling."
    )


def _from_mol(given: Chem.Mol) -> Chem.Mol:
    mol = Chem.Mol(given)
    if any(atom.HasQuery() for atom in mol.GetAtoms()) or any(bond.HasQuery() for bond in mol.GetBonds()):
        raise UnusableInputError(
            "The Mol is a query (SMARTS): give a molecule, such as Chem.MolFromSmiles makes."
        )
    try:
        Chem.SanitizeMol(mol)
    except ValueError as error:
        raise UnusableInputError(f"RDKit cannot sanitize the Mol: {error}") from error
    _assign_stereo(mol)
    return mol


def _assign_stereo(mol: Chem.Mol) -> None:
    """Drop tags of atoms and bonds that cannot have stereo, but no double bond's stereo that was given.

    RDKit derives it anew from the directions of the neighbouring bonds, and clears it on a Mol that has lost them.
    """
    given = {bond.GetIdx(): (bond.GetStereo(), list(bond.GetStereoAtoms())) for bond in mol.GetBonds()}
    Chem.AssignStereochemistry(mol, cleanIt=True, force=True)
    for bond in mol.GetBonds():
        stereo, atoms = given[bond.GetIdx()]
        if stereo not in _CIS_TRANS or bond.GetStereo() != Chem.BondStereo.STEREONONE:
            continue
        if len(atoms) != 2:
            raise UnusableInputError(
                f"The double bond between atoms {bond.GetBeginAtomIdx()} and {bond.GetEndAtomIdx()} is marked as E "
                "or Z without saying relative to which atoms: set them with Bond.SetStereoAtoms."
            )
        bond.SetStereoAtoms(*atoms)
        bond.SetStereo(stereo)


def _clear_stereo_of_terminal_ch2(mol: Chem.Mol) -> None:
    """Drop E and Z of double bonds that end in CH2: RDKit keeps the mark if one of these hydrogens is written."""
    for bond in mol.GetBonds():
        if bond.GetStereo() not in _CIS_TRANS:
            continue
        for end in (bond.GetBeginAtom(), bond.GetEndAtom()):
            hydrogens = [atom.GetIsotope() for atom in end.GetNeighbors() if atom.GetAtomicNum() == 1]
            if len(hydrogens) == 2 and hydrogens[0] == hydrogens[1]:
                bond.SetStereo(Chem.BondStereo.STEREONONE)


def _lost_stereo(smiles: str, mol: Chem.Mol) -> str:
    """A sentence about stereo marks of the SMILES that RDKit does not take for stereo; empty if it takes all."""
    raw = Chem.MolFromSmiles(smiles, sanitize=False)
    open_tag, no_direction = Chem.ChiralType.CHI_UNSPECIFIED, Chem.BondDir.NONE
    marked = sum(atom.GetChiralTag() != open_tag for atom in raw.GetAtoms())
    kept = sum(atom.GetChiralTag() != open_tag for atom in mol.GetAtoms())
    directed = {
        atom
        for bond in raw.GetBonds()
        if bond.GetBondDir() != no_direction
        for atom in (bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())
    }
    marked += sum(
        bond.GetBondType() == Chem.BondType.DOUBLE
        and {bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()} <= directed
        for bond in raw.GetBonds()
    )
    kept += sum(bond.GetStereo() in _CIS_TRANS for bond in mol.GetBonds())
    if marked <= kept:
        return ""
    return (
        f"{marked - kept} stereo marks of the SMILES are left open: RDKit finds no stereocentre or E/Z bond there (as "
        "on allenes and in small rings)"
    )


def _check_chemistry(mol: Chem.Mol, vocabulary: Vocabulary) -> None:
    """Raise `UnusableInputError` for what no training molecule is, beyond what the graph features refuse."""
    if mol.GetNumAtoms() == 0:
        raise UnusableInputError("The molecule has no atoms.")
    foreign = sorted(
        {atom.GetSymbol() for atom in mol.GetAtoms() if atom.GetAtomicNum() not in vocabulary.elements}
    )
    if foreign:
        raise UnusableInputError(f"Only {vocabulary.names()} are supported, not {', '.join(foreign)}.")
    num_fragments = len(Chem.GetMolFrags(mol))
    if num_fragments > 1:
        raise UnusableInputError(
            f"{num_fragments} separate fragments: give one molecule at a time (without its salt or solvent)."
        )
    # The training molecules have closed shells. A lone atom has no shape to get wrong.
    radicals = [atom.GetIdx() for atom in mol.GetAtoms() if atom.GetNumRadicalElectrons()]
    if radicals and mol.GetNumAtoms() > 1:
        raise UnusableInputError(
            f"Unpaired electrons on atom {', '.join(map(str, radicals))}: radicals are not supported, "
            "give the closed-shell molecule."
        )
    if any(bond.GetStereo() in _ATROPISOMERS for bond in mol.GetBonds()):
        raise UnusableInputError(
            "Atropisomers (hindered rotation given as stereo) are not supported: remove that label."
        )


_CIS_TRANS = (
    Chem.BondStereo.STEREOZ,
    Chem.BondStereo.STEREOE,
    Chem.BondStereo.STEREOCIS,
    Chem.BondStereo.STEREOTRANS,
)
_ATROPISOMERS = (Chem.BondStereo.STEREOATROPCW, Chem.BondStereo.STEREOATROPCCW)


def molecule_key(mol: Chem.Mol) -> bytes:
    """Digest of elements and bonds in the atoms' order. Unlike a SMILES it is the same in every RDKit."""
    atoms = ",".join(str(atom.GetAtomicNum()) for atom in mol.GetAtoms())
    bonds = sorted(
        (*sorted((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())), bond.GetBondTypeAsDouble())
        for bond in mol.GetBonds()
    )
    return hashlib.blake2b(f"{atoms};{bonds}".encode(), digest_size=16).digest()


def _shortened(text: str, length: int = 60) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."


def sample_generator(seed: int, key: bytes, conformer: int, attempt: int) -> torch.Generator:
    """The random numbers of one sample: they depend on these four and on nothing else."""
    return numbered_generator(seed, conformer, attempt, key=key)
