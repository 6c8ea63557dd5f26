"""A test set of crystal conformers from the ligands of the Protein Data Bank: sane geometry, varied molecules."""

from __future__ import annotations

import gzip
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rdkit import Chem, DataStructs
from rdkit.Chem import Descriptors, rdFingerprintGenerator, rdMolDescriptors
from rdkit.ML.Cluster import Butina

from molediff.molecules.files.sdf import read_sdf, sdf_record, title_of
from molediff.molecules.generation.checks import CHECKS
from molediff.molecules.hydrogens import bare_smiles
from molediff.molecules.perception.canonical import assign_stereo
from molediff.molecules.perception.kinds import Kinds
from molediff.runtime.files import write_bytes

ELEMENTS = frozenset({1, 5, 6, 7, 8, 9, 14, 15, 16, 17, 34, 35, 53})
HEAVY_ATOMS = range(10, 61)
MAX_ROTORS = 16
"""As many as the most flexible ligands of the Platinum set have (Friedrich et al. 2017)."""
_SAME_CLUSTER = 0.6
"""Tanimoto distance of Morgan fingerprints (radius 2) within which two ligands count as of one kind."""
ROTOR_BINS = (4, 7, 10)
"""Up to 3, 4 to 6, 7 to 9, and more rotatable bonds: a quarter of the set each, as far as there are so many."""


@dataclass(frozen=True)
class Ligand:
    """One candidate.

    Attributes:
        mol: hydrogens as deposited, one conformer, stereo read from it, title PDB_LIGAND.
        smiles: canonical and isomeric.
        key: first block of its InChIKey.
        num_rotors: rotatable bonds.
    """

    mol: Chem.Mol
    smiles: str
    key: str
    num_rotors: int


def choose(
    mols: Iterable[Chem.Mol | None],
    ligands: Collection[str],
    barred: Collection[str],
    num: int,
    seed: int,
) -> list[Ligand]:
    """Ligands of sane geometry, no two of one kind, a like number from each bin of rotatable bonds.

    Args:
        mols: records with the title PDB_LIGAND and hydrogens.
        ligands: identifiers of the ligands that may be taken.
        barred: first blocks of InChIKeys that may not.
        num: how many.
        seed: of the order in which they are visited.

    Raises:
        ValueError: there are not so many.
    """
    found = list(candidates(mols, ligands, barred))
    order = np.random.default_rng(seed).permutation(len(found))
    varied = one_of_each_kind([found[i] for i in order])
    if len(varied) < num:
        raise ValueError(f"{num} ligands are asked for, but {len(varied)} pass: ask for fewer.")
    bins = np.digitize([ligand.num_rotors for ligand in varied], ROTOR_BINS)
    places = [np.flatnonzero(bins == bin_).tolist() for bin_ in range(len(ROTOR_BINS) + 1)]
    chosen: list[int] = []
    while len(chosen) < num:  # in turns, so that an empty bin leaves its share to the others
        for mine in places:
            if mine and len(chosen) < num:
                chosen.append(mine.pop(0))
    return sorted((varied[i] for i in chosen), key=lambda ligand: title_of(ligand.mol))


def candidates(
    mols: Iterable[Chem.Mol | None], ligands: Collection[str], barred: Collection[str]
) -> Iterator[Ligand]:
    """The ligands that may be taken: drug-like, of sane geometry, the first of each InChIKey block."""
    seen = set(barred)
    for mol in mols:
        if mol is None or title_of(mol).split("_")[-1] not in ligands or not is_drug_like(mol):
            continue
        assign_stereo(mol)
        key = Chem.MolToInchiKey(mol).split("-")[0]
        if key and key not in seen and is_sane(mol):
            seen.add(key)
            smiles = bare_smiles(mol)
            yield Ligand(mol, smiles, key, count_rotors(mol))


def is_drug_like(mol: Chem.Mol) -> bool:
    """One closed-shell organic molecule of 10 to 60 heavy atoms and at most 16 rotors, all hydrogens there."""
    return (
        mol.GetNumHeavyAtoms() in HEAVY_ATOMS
        and {atom.GetAtomicNum() for atom in mol.GetAtoms()} <= ELEMENTS
        and count_rotors(mol) <= MAX_ROTORS
        and len(Chem.GetMolFrags(mol)) == 1
        and Descriptors.NumRadicalElectrons(mol) == 0
        and not any(atom.GetNumImplicitHs() or atom.GetIsotope() for atom in mol.GetAtoms())
    )


def count_rotors(mol: Chem.Mol) -> int:
    """Rotatable bonds by RDKit's strict definition, which takes a hydrogen with an atom of its own for a neighbour."""
    return int(rdMolDescriptors.CalcNumRotatableBonds(Chem.RemoveHs(mol)))


def is_sane(mol: Chem.Mol) -> bool:
    """Whether the heavy atoms pass every check that our own conformers are put to, and the stereo survives a SMILES.

    Refinement draws bonds and angles to their usual values: what lies farther off was built by hand, or fitted to
    something else.
    """
    x = mol.GetConformer().GetPositions()
    x[[atom.GetAtomicNum() == 1 for atom in mol.GetAtoms()]] = np.nan  # built, not seen: not judged
    kinds = Kinds(mol)
    return all(make(mol, kinds).passes(x[None])[0] for make in CHECKS) and _stereo_is_whole(mol)


def _stereo_is_whole(mol: Chem.Mol) -> bool:
    """Whether the SMILES of the conformer asks for all the stereo that it has, and reads as the same molecule."""
    smiles = bare_smiles(mol)
    again = Chem.MolFromSmiles(smiles)
    if again is None or Chem.MolToSmiles(again) != smiles:
        return False
    unspecified = Chem.StereoSpecified.Unspecified
    return all(found.specified != unspecified for found in Chem.FindPotentialStereo(again))


def one_of_each_kind(ligands: Sequence[Ligand]) -> list[Ligand]:
    """The first of each cluster (Butina 1999), in the order given."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
    prints = [generator.GetFingerprint(ligand.mol) for ligand in ligands]
    distances: list[float] = []
    for place in range(1, len(prints)):
        distances += DataStructs.BulkTanimotoSimilarity(prints[place], prints[:place], returnDistance=True)
    clusters = Butina.ClusterData(distances, len(prints), _SAME_CLUSTER, isDistData=True, reordering=False)
    return [ligands[min(cluster)] for cluster in sorted(clusters, key=min)]


def build(
    source: str, ligands: str, barred: str | None, num: int, seed: int, output: str, keys: str
) -> dict[str, object]:
    """Do what `configs/build_crystal_set.yaml` asks for; what is written is the same bytes every time.

    Returns:
        The number of ligands, and quartiles of their heavy atoms and rotatable bonds.
    """
    chosen = choose(
        read_sdf(source), first_words(ligands), first_words(barred) if barred else frozenset(), num, seed
    )
    text = "".join(
        sdf_record(
            ligand.mol,
            -1,
            title_of(ligand.mol),
            {"smiles": ligand.smiles, "inchikey14": ligand.key, "num_rotors": ligand.num_rotors},
        )
        for ligand in chosen
    )
    write_bytes(Path(output), gzip.compress(text.encode(), 9, mtime=0))
    write_bytes(Path(keys), "".join(f"{key}\n" for key in sorted(x.key for x in chosen)).encode())
    sizes = [ligand.mol.GetNumHeavyAtoms() for ligand in chosen]
    rotors = [ligand.num_rotors for ligand in chosen]
    quarters = (0, 0.25, 0.5, 0.75, 1)
    return {
        "num": len(chosen),
        "heavy_atoms": np.quantile(sizes, quarters).tolist(),
        "rotors": np.quantile(rotors, quarters).tolist(),
    }


def first_words(path: str | Path) -> frozenset[str]:
    """The first word of each line of a text file: identifiers or keys, whatever stands behind them."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return frozenset(line.split()[0] for line in lines if line.strip())
