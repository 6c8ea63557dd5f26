"""From whatever a person hands in to a molecule that can be sampled, or a sentence that says why not."""

from __future__ import annotations

import hashlib
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from rdkit import Chem, rdBase

from molediff.core.generators import Generators
from molediff.molecules.conformers import with_conformers
from molediff.molecules.errors import MoleculeError, UnusableInputError
from molediff.molecules.graph.fragments import largest_fragment
from molediff.molecules.graph.graph import MolecularGraph, mol_to_graph
from molediff.molecules.graph.limits import MAX_ATOMS, too_large
from molediff.molecules.graph.reading import (
    CIS_TRANS,
    check_is_one_stereoisomer,
    from_mol,
    from_text,
    shortened,
    tidied,
)
from molediff.molecules.graph.refusals import check_chemistry
from molediff.molecules.graph.vocabulary import QM9, Vocabulary
from molediff.molecules.hydrogens import bare_smiles
from molediff.runtime.former import former_names
from molediff.runtime.words import counted
from molediff.sampling.seeds import numbered_generator, numbered_seed

# A longer text is no SMILES of what is supported: of it the beginning is shown.
_MAX_LABEL = 1000

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


def check_is_a_list(molecules: Any) -> None:
    """Raise a ValueError, which says what to do, for what is not an iterable of molecules but may look like one."""
    if isinstance(molecules, bytes | bytearray):
        raise ValueError("generate_many takes a list of SMILES and Mols, not bytes: decode them first.")
    if isinstance(molecules, str | Chem.Mol) or not isinstance(molecules, Iterable):
        raise ValueError(
            "generate_many takes a list or another iterable of molecules; for one, call generate."
        )
    if hasattr(molecules, "columns"):
        columns = ", ".join(map(str, molecules.columns))
        raise ValueError(
            f"generate_many got a table with columns {columns}: pass its column, such as "
            f'table["{next(iter(molecules.columns), "smiles")}"].'
        )
    if isinstance(molecules, Mapping):
        raise ValueError(
            "generate_many got a mapping: pass the molecules in it, such as list(molecules.values())."
        )


def label(molecule: Any) -> str:
    """The text under which an input appears in its result; whatever the input is, there is one."""
    if isinstance(molecule, str):
        text = molecule if len(molecule) <= _MAX_LABEL else shortened(molecule)
        return text.encode("utf-8", "replace").decode()
    try:
        if isinstance(molecule, Chem.Mol):
            with rdBase.BlockLogs():
                return bare_smiles(tidied(molecule), sanitize=False)
        return shortened(reprlib.repr(molecule)).encode("utf-8", "replace").decode()
    except Exception:  # what a stranger's object raises when it is asked for its name
        return "<RDKit Mol>" if isinstance(molecule, Chem.Mol) else f"<{type(molecule).__name__}>"


def prepare(
    molecule: Any, max_atoms: int = MAX_ATOMS, vocabulary: Vocabulary = QM9, only_largest: bool = False
) -> PreparedMolecule:
    """Read, check and featurize one input.

    Args:
        molecule: a SMILES, an InChI, a mol block, or an RDKit Mol, which is not changed: coordinates are kept aside,
            the stereo of a Mol is what its tags say, and hydrogens it lacks are added behind its own atoms.
        max_atoms: most atoms allowed, hydrogens included.
        vocabulary: what the network is told of atoms and pairs, and which elements it knows.
        only_largest: of several fragments take the largest.

    Raises:
        UnusableInputError: with a sentence that says what is wrong and what to do.
    """
    try:
        with rdBase.BlockLogs():
            return _prepare(molecule, max_atoms, vocabulary, only_largest)
    except (MoleculeError, MemoryError):
        raise
    except (
        Exception
    ) as error:  # RDKit raises what it likes on what nobody foresaw, and one input must not end a run
        said = shortened(" ".join(str(error).split()), 200)
        raise UnusableInputError(
            f"RDKit cannot work with it ({type(error).__name__}: {said}): check the molecule."
        ) from error


def _prepare(molecule: Any, max_atoms: int, vocabulary: Vocabulary, only_largest: bool) -> PreparedMolecule:
    name, caution = "", ""
    if isinstance(molecule, str):
        mol, name, caution = from_text(str(molecule), max_atoms)
    elif isinstance(molecule, Chem.Mol):
        if molecule.GetNumAtoms() > max_atoms and not only_largest:
            raise UnusableInputError(too_large(molecule.GetNumAtoms(), max_atoms, at_least=True))
        mol, caution = from_mol(molecule), _cleared_tags(molecule)
    elif isinstance(molecule, bytes | bytearray):
        raise UnusableInputError("Expected a SMILES or an RDKit Mol, got bytes: decode them first.")
    else:
        raise UnusableInputError(f"Expected a SMILES or an RDKit Mol, got {type(molecule).__name__}.")
    check_is_one_stereoisomer(mol)
    whole, atoms, without = mol, list(range(mol.GetNumAtoms())), ""
    if only_largest:
        mol, atoms, without = largest_fragment(mol)
    mol, conformers = _with_hydrogens(mol, _conformers(molecule, atoms))
    _clear_stereo_of_terminal_ch2(mol)
    check_chemistry(mol, vocabulary)
    if mol.GetNumAtoms() > max_atoms:
        raise UnusableInputError(too_large(mol.GetNumAtoms(), max_atoms))
    try:
        graph = mol_to_graph(mol, vocabulary=vocabulary)
    except ValueError as error:
        raise UnusableInputError(str(error)) from error
    if isinstance(molecule, str) and name == molecule.split()[0]:
        caution = _lost_stereo(name, whole if without else mol)
    cautions = "; ".join(filter(None, (without, caution)))
    name = label(mol) if without else name or label(mol)
    return PreparedMolecule(name, mol, graph, molecule_key(mol), cautions, conformers)


def _conformers(given: Any, atoms: list[int]) -> list[np.ndarray]:
    """Coordinates of `atoms` in the 3D conformers of a Mol, (len(atoms), 3) each; of anything else none."""
    if not isinstance(given, Chem.Mol):
        return []
    return [conformer.GetPositions()[atoms] for conformer in given.GetConformers() if conformer.Is3D()]


def _with_hydrogens(mol: Chem.Mol, conformers: list[np.ndarray]) -> tuple[Chem.Mol, np.ndarray]:
    """The molecule with all hydrogens, and conformers of it with them, (K, N, 3)."""
    mol = Chem.AddHs(with_conformers(mol, conformers), addCoords=True)
    found = [conformer.GetPositions() for conformer in mol.GetConformers()]
    mol.RemoveAllConformers()
    return mol, np.array(found, dtype=np.float64).reshape(len(found), mol.GetNumAtoms(), 3)


def _cleared_tags(given: Chem.Mol) -> str:
    """A sentence about chiral tags that stand for nothing tetrahedral; empty if there are none."""
    num = sum(
        a.GetChiralTag() != b.GetChiralTag()
        for a, b in zip(given.GetAtoms(), tidied(given).GetAtoms(), strict=True)
    )
    tags = counted(num, "chiral tag")
    return f"{tags} left open, being not tetrahedral" if num else ""


def _clear_stereo_of_terminal_ch2(mol: Chem.Mol) -> None:
    """Drop E and Z of double bonds that end in CH2: RDKit keeps the mark if one of these hydrogens is written."""
    for bond in mol.GetBonds():
        if bond.GetStereo() not in CIS_TRANS:
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
    kept += sum(bond.GetStereo() in CIS_TRANS for bond in mol.GetBonds())
    if marked <= kept:
        return ""
    return (
        f"{counted(marked - kept, 'stereo mark')} of the SMILES left open: RDKit finds no stereocentre "
        "or E/Z bond there (as "
        "on allenes, on double bonds at a ring, and in small rings)"
    )


def molecule_key(mol: Chem.Mol) -> bytes:
    """Digest of elements and bonds in the atoms' order. Unlike a SMILES it is the same in every RDKit."""
    atoms = ",".join(str(atom.GetAtomicNum()) for atom in mol.GetAtoms())
    bonds = sorted(
        (*sorted((bond.GetBeginAtomIdx(), bond.GetEndAtomIdx())), bond.GetBondTypeAsDouble())
        for bond in mol.GetBonds()
    )
    return hashlib.blake2b(f"{atoms};{bonds}".encode(), digest_size=16).digest()


def sample_generator(seed: int, key: bytes, conformer: int, attempt: int) -> torch.Generator:
    """A generator of torch of one sample, by the seed of which RDKit embeds, and from which samples were once drawn."""
    return numbered_generator(seed, conformer, attempt, key=key)


def sample_generators(
    seed: int, samples: Iterable[tuple[bytes, Sequence[int]]], attempt: int = 0
) -> Generators:
    """The random numbers of samples: they depend on the seed, the molecule, the conformer, the attempt, nothing else.

    Args:
        seed: of the call.
        samples: for each molecule its key and the numbers of its conformers.
        attempt: how often these conformers were drawn before.
    """
    keys: list[int] = []
    numbers: list[tuple[int, int]] = []
    for key, conformers in samples:
        keys += [numbered_seed(seed, key=key)] * len(conformers)
        numbers += [(conformer, attempt) for conformer in conformers]
    return Generators(keys, numbers)
