"""What becomes of each of many molecules, and what it is like."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem, rdBase

from molediff.evaluation.conformers.baselines import etkdg
from molediff.evaluation.conformers.benchmark.raw_stereo import RawStereo, raw_stereo
from molediff.evaluation.conformers.metrics.stereo import stereo_matches
from molediff.molecules.data.crystal_set import count_rotors
from molediff.molecules.errors import UnusableInputError
from molediff.molecules.files.io import read_inputs
from molediff.molecules.generator import ConformerGenerator
from molediff.molecules.perception.canonical import assign_stereo

SECONDS_OF_ETKDG = 20
"""Time after which RDKit's embedding of a molecule counts as failed; ours have as long for theirs."""


@dataclass(frozen=True)
class Traits:
    """What a molecule is like.

    Attributes:
        num_atoms, num_rotors, num_centres: with hydrogens; rotatable bonds; stereocentres asked for.
        largest_ring: 0 without a ring.
        elements: those besides C, H, N and O.
        charge: of the molecule.
        has_charges: on any atom.
    """

    num_atoms: int
    num_rotors: int
    num_centres: int
    largest_ring: int
    elements: tuple[str, ...]
    charge: int
    has_charges: bool

    @classmethod
    def of(cls, mol: Chem.Mol) -> Traits:
        """Of a molecule with explicit hydrogens."""
        heavy = Chem.RemoveHs(mol)
        rings = heavy.GetRingInfo().AtomRings()
        elements = {atom.GetSymbol() for atom in heavy.GetAtoms()} - {"C", "H", "N", "O"}
        return cls(
            mol.GetNumAtoms(),
            count_rotors(heavy),
            len(Chem.FindMolChiralCenters(heavy, useLegacyImplementation=False)),
            max(map(len, rings), default=0),
            tuple(sorted(elements)),
            Chem.GetFormalCharge(heavy),
            any(atom.GetFormalCharge() for atom in heavy.GetAtoms()),
        )


@dataclass(frozen=True)
class Fate:
    """What became of one molecule.

    Attributes:
        smiles, traits: of the molecule.
        num_requested, num_returned, num_drawn, num_rejected, reason: see `GenerationResult`.
        num_wrong_returned: conformers returned whose stereo, perceived anew, is not as asked for.
        raw: stereo of samples before any correction.
        etkdg: conformers of RDKit's ETKDGv3, of as many; None if not tried.
        seconds: of the processor, of ours.
    """

    smiles: str
    traits: Traits
    num_requested: int
    num_returned: int
    num_drawn: int
    num_rejected: dict[str, int]
    reason: str
    num_wrong_returned: int
    raw: RawStereo
    etkdg: int | None
    seconds: float

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Fate:
        """What `dataclasses.asdict` made, after a way through JSON."""
        traits = Traits(**{**found["traits"], "elements": tuple(found["traits"]["elements"])})
        return cls(**{**found, "traits": traits, "raw": RawStereo(**found["raw"])})


def fate_of(
    generator: ConformerGenerator,
    smiles: str,
    num_conformers: int,
    seed: int,
    options: Mapping[str, Any],
    with_etkdg: bool,
) -> Fate:
    """Ask for conformers of one molecule and look at what comes back.

    Args:
        generator: with its weights.
        smiles: isomeric; RDKit reads it.
        num_conformers: asked for; as many samples are looked at before correction.
        seed: at least 1.
        options: as of `generate`.
        with_etkdg: try ETKDGv3 too.
    """
    with rdBase.BlockLogs():
        mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
        start = time.process_time()
        result = generator.generate(smiles, num_conformers, seed, **options)
        seconds = time.process_time() - start
        wrong = 0 if result.mol is None else int((~stereo_matches(result.mol)).sum())
        try:
            raw = raw_stereo(generator, smiles, num_conformers, seed, options.get("init"))
        except UnusableInputError:
            raw = RawStereo()
        embedded = None
        if with_etkdg:
            made = etkdg(mol, num_conformers, seed, SECONDS_OF_ETKDG)
            embedded = 0 if made is None else made.GetNumConformers()
        return Fate(
            smiles,
            Traits.of(mol),
            num_conformers,
            result.num_conformers,
            result.num_drawn,
            dict(result.num_rejected),
            result.reason,
            wrong,
            raw,
            embedded,
            seconds,
        )


def unseen_smiles(path: str, trained: Sequence[str]) -> list[str]:
    """Isomeric SMILES of the molecules of a file that no training set holds as any stereoisomer, in an order by hash.

    So the first of them are a sample of all, whatever the order of the file.

    Args:
        path: any file of molecules; stereo of 3D records is read from the coordinates.
        trained: `.npz` files with the array `smiles` (`Minima`, `Torsions`).
    """
    seen = {Chem.CanonSmiles(smiles, useChiral=0) for file in trained for smiles in _smiles_of(file)}
    found = {}
    with rdBase.BlockLogs():
        for smiles in _isomeric(path):
            if Chem.CanonSmiles(smiles, useChiral=0) not in seen:
                found[smiles] = hashlib.sha256(smiles.encode()).hexdigest()
    return sorted(found, key=found.__getitem__)


def _smiles_of(file: str) -> Iterable[str]:
    with np.load(Path(file), allow_pickle=False) as arrays:
        return str(arrays["smiles"].tobytes().decode()).split("\n")


def _isomeric(path: str) -> Iterator[str]:
    for entry in read_inputs([path]):
        mol = entry.molecule
        if isinstance(mol, str):
            mol = Chem.MolFromSmiles(mol)
        elif mol is not None and mol.GetNumConformers() and mol.GetConformer().Is3D():
            assign_stereo(mol)
        if mol is not None:
            yield Chem.MolToSmiles(Chem.RemoveHs(mol))
