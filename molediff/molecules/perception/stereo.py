"""Stereochemistry of coordinates against what was asked for.

Only what the input specifies is demanded: tetrahedral centres (also those that are stereogenic only relative
to others, as in 1,4-dimethylcyclohexane) by their tags, atom by atom, and double bonds by E/Z. What the input
leaves open each sample decides by itself. Allenes and atropisomers are out of scope.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from molediff.molecules.graph.graph import MolecularGraph
from molediff.molecules.hydrogens import bare_smiles
from molediff.molecules.perception.canonical import assign_stereo
from molediff.molecules.perception.readings import Readings

# A double bond is cis or trans if its dihedral is within 60 degrees of 0 or 180; strained trans-cyclooctene
# has 138.
_COS_TWIST = 0.5
_CIS = (Chem.BondStereo.STEREOZ, Chem.BondStereo.STEREOCIS)
_TRANS = (Chem.BondStereo.STEREOE, Chem.BondStereo.STEREOTRANS)
_EMBEDDING_ATTEMPTS = 20
_TETRAHEDRAL = (Chem.ChiralType.CHI_TETRAHEDRAL_CW, Chem.ChiralType.CHI_TETRAHEDRAL_CCW)


@dataclass(frozen=True)
class StereoVerdict:
    """Coordinates after correction, and what is true of them.

    Attributes:
        x: coordinates in Angstrom, shape (n, N, 3); mirror images have been reflected.
        right: whether the stereo is as asked for, bool, shape (n,).
        reflected: whether the sample was reflected, bool, shape (n,).
    """

    x: np.ndarray
    right: np.ndarray
    reflected: np.ndarray


class StereoCheck:
    """The stereo asked for by one molecule.

    Args:
        mol: explicit hydrogens, stereo assigned (`Chem.AssignStereochemistry`).
        graph: its graph, for the signs of the neighbour triples.
    """

    name = "stereo"
    remedy = "check that the stereo asked for is possible"

    def __init__(self, mol: Chem.Mol, graph: MolecularGraph):
        index = graph.chiral_index.numpy()
        self.centres, owner = np.unique(index[0], return_inverse=True)
        self._triples = index
        # Rows sum the triples of a centre: with four neighbours the sum is the signed volume of their
        # tetrahedron.
        self._volume_of = np.zeros((len(self.centres), index.shape[1]))
        self._volume_of[owner, np.arange(index.shape[1])] = graph.chiral_sign.numpy()
        # RDKit reads tags of three-coordinate nitrogen (aziridines, bridgeheads) from SMILES but perceives
        # none in 3D, so that there the signed volume alone decides.
        self._tags = {
            atom.GetIdx(): atom.GetChiralTag()
            for atom in mol.GetAtoms()
            if atom.GetChiralTag() in _TETRAHEDRAL and atom.GetDegree() == 4
        }
        self._double_bonds = {
            bond.GetIdx(): bond.GetStereo()
            for bond in mol.GetBonds()
            if bond.GetStereo() in _CIS + _TRANS and len(bond.GetStereoAtoms()) == 2
        }
        rows = [_dihedral(mol.GetBondWithIdx(bond)) for bond in self._double_bonds]
        self._dihedrals = np.array(rows, dtype=np.int64).reshape(-1, 4)
        self._is_cis = np.array([stereo in _CIS for stereo in self._double_bonds.values()], dtype=bool)
        self._mol = mol
        self._known_misreadings: dict[tuple[int, ...], bool] = {}
        self._blank = Chem.Mol(mol)
        Chem.RemoveStereochemistry(self._blank)
        self._blank.RemoveAllConformers()
        self._blank.AddConformer(Chem.Conformer(mol.GetNumAtoms()))
        self._readings: Readings | None = None
        self._read: dict[bytes, list[int] | None] = {}

    @property
    def asks_for_something(self) -> bool:
        """Whether the molecule specifies any stereo."""
        return bool(len(self.centres) or self._double_bonds)

    def wrong_centres(self, x: np.ndarray) -> np.ndarray:
        """Stereocentres of the wrong configuration, by signed volume, bool, shape (n, number of centres); x: (n, N,
        3).
        """
        return self._volumes(x) @ self._volume_of.T <= 0

    def _volumes(self, x: np.ndarray) -> np.ndarray:
        """Signed volumes of the triples, (n, T)."""
        centre, *neighbours = self._triples
        a, b, c = (x[:, neighbour] - x[:, centre] for neighbour in neighbours)
        return np.einsum("nti,nti->nt", a, np.cross(b, c))

    def allows(self, x: np.ndarray) -> bool:
        """Whether the atoms of `x`, (N, 3), whose coordinates are known (the others are NaN) have no wrong stereo."""
        of_centre = self._volumes(x[None])[0] * self._volume_of.sum(0)
        bonds_known = np.isfinite(x[self._dihedrals]).all(axis=(1, 2))
        return not ((of_centre <= 0).any() or (self.wrong_double_bonds(x[None])[0] & bonds_known).any())

    def wrong_double_bonds(self, x: np.ndarray) -> np.ndarray:
        """Double bonds that are not as asked for, bool, shape (n, number of double bonds); x: (n, N, 3)."""
        a, begin, end, b = (x[:, column] for column in self._dihedrals.T)
        axis = end - begin
        legs = []
        with np.errstate(invalid="ignore", divide="ignore"):
            for leg in (a - begin, b - end):
                share = (leg * axis).sum(-1, keepdims=True) / (axis * axis).sum(-1, keepdims=True)
                across = leg - share * axis
                legs.append(across / np.linalg.norm(across, axis=-1, keepdims=True))
            cosine = (legs[0] * legs[1]).sum(-1)
        # The cosine of a collapsed bond is NaN: neither cis nor trans.
        return ~np.where(self._is_cis, cosine > _COS_TWIST, cosine < -_COS_TWIST)

    def rdkit_agrees(self, positions: np.ndarray) -> bool:
        """Whether RDKit's `AssignStereochemistryFrom3D` reads the stereo asked for off `positions`, (N, 3).

        What a user sees who asks RDKit: an independent last word, about 60 us.
        """
        return self.misread(positions) == []

    def misread(self, positions: np.ndarray) -> list[int] | None:
        """Centres off which RDKit reads the other hand; None if it reads another double bond."""
        seen = self._placed(positions)
        Chem.AssignStereochemistryFrom3D(seen, replaceExistingTags=True)
        for bond, asked in self._double_bonds.items():
            stereo = seen.GetBondWithIdx(bond).GetStereo()
            if asked in (Chem.BondStereo.STEREOE, Chem.BondStereo.STEREOZ) and stereo != asked:
                return None
        if not self._other_tags(seen):
            return []
        # Tags are dropped where other centres, left open by the input, turn out to have the same hand.
        seen = self._placed(positions)
        Chem.AssignAtomChiralTagsFromStructure(seen, replaceExistingTags=True)
        return self._other_tags(seen)

    def holds(self, positions: np.ndarray) -> bool:
        """Whether `positions`, (N, 3), whose signed volumes are right, are the isomer asked for.

        Of a carbon outside its four neighbours RDKit looks at three bonds, and these may show either hand. If distance
        geometry builds the isomer that RDKit reads, the one asked for is that isomer turned inside out, which strain
        forbids. If it does not, as of cages whose carbons all lie so, the volumes are right and RDKit is not.
        """
        return self._holds(positions, self.misread(positions))

    def _holds(self, positions: np.ndarray, misread: list[int] | None) -> bool:
        if not misread:
            return misread is not None
        key = tuple(misread)
        if key not in self._known_misreadings:
            outside = all(self._is_outside(atom, positions) for atom in misread)
            self._known_misreadings[key] = outside and not can_be_built(self._with_other_hand(misread))
        return self._known_misreadings[key]

    def _misread_of_all(self, x: np.ndarray) -> list[list[int] | None]:
        """`misread` of each of `x` (n, N, 3); RDKit is asked once for each distinct reading.

        What it says is a function of on which side the neighbours of possible centres lie, and of how double bonds are
        turned. Coordinates near the border of a reading are shown to it one by one.
        """
        if self._readings is None:
            self._readings = Readings(self._blank)
        found = []
        for positions, key in zip(x, self._readings.of(x), strict=True):
            if key is None:
                found.append(self.misread(positions))
                continue
            if key not in self._read:
                self._read[key] = self.misread(positions)
            found.append(self._read[key])
        return found

    @property
    def misread_atoms(self) -> list[int]:
        """Centres of which `holds` found that RDKit reads the wrong hand off right coordinates."""
        return sorted({atom for atoms, holds in self._known_misreadings.items() if holds for atom in atoms})

    def seems_impossible(self, num_wrong: int) -> bool:
        """Whether neither samples nor distance geometry give the isomer asked for.

        If all samples have its stereo and are broken otherwise, and distance geometry builds no other isomer either, as
        of bicyclobutane, then nothing is said against it.

        Args:
            num_wrong: samples of another stereo.
        """
        if not self.asks_for_something or can_be_built(self._mol):
            return False
        others = (self._with_other_hand([atom]) for atom in self._tags)
        return bool(num_wrong or self._double_bonds) or any(map(can_be_built, others))

    def _is_outside(self, atom: int, positions: np.ndarray) -> bool:
        """Whether an atom lies outside the tetrahedron of its four neighbours."""
        a, b, c, d = (
            positions[n.GetIdx()] - positions[atom] for n in self._mol.GetAtomWithIdx(atom).GetNeighbors()
        )
        volumes = [np.dot(b, np.cross(c, d)), -np.dot(a, np.cross(c, d))]
        volumes += [np.dot(a, np.cross(b, d)), -np.dot(a, np.cross(b, c))]
        return min(volumes) < 0 < max(volumes)

    def _with_other_hand(self, atoms: list[int]) -> Chem.Mol:
        other = Chem.Mol(self._mol)
        for atom in atoms:
            other.GetAtomWithIdx(atom).InvertChirality()
        Chem.AssignStereochemistry(other, cleanIt=True, force=True)
        return other

    def _placed(self, positions: np.ndarray) -> Chem.Mol:
        mol = Chem.Mol(self._blank)
        mol.GetConformer().SetPositions(np.ascontiguousarray(positions, dtype=np.float64))
        return mol

    def _other_tags(self, seen: Chem.Mol) -> list[int]:
        return [atom for atom, tag in self._tags.items() if seen.GetAtomWithIdx(atom).GetChiralTag() != tag]

    def passes(self, x: np.ndarray) -> np.ndarray:
        """Whether the stereo is as asked for as it stands, bool, shape (n,); x: in Angstrom, shape (n, N, 3)."""
        verdict = self.correct(x)
        return verdict.right & ~verdict.reflected

    def correct(self, x: np.ndarray) -> StereoVerdict:
        """Reflect the samples whose stereocentres are all wrong and whose double bonds are right; judge all.

        Args:
            x: finite coordinates in Angstrom, shape (n, N, 3).
        """
        num = len(x)
        if not self.asks_for_something:
            return StereoVerdict(x, np.ones(num, dtype=bool), np.zeros(num, dtype=bool))
        wrong = self.wrong_centres(x)
        bonds_right = ~self.wrong_double_bonds(x).any(axis=1)
        mirror = wrong.all(axis=1) & bonds_right & (wrong.shape[1] > 0)
        x = np.where(mirror[:, None, None], reflected(x), x)
        right = bonds_right & (mirror | ~wrong.any(axis=1))
        likely = x[right]
        misread = self._misread_of_all(likely)
        right[right] = [self._holds(*each) for each in zip(likely, misread, strict=True)]
        return StereoVerdict(x, right, mirror)


def reflected(x: np.ndarray) -> np.ndarray:
    """Mirror image of coordinates (..., 3), in the plane z = 0."""
    return x * np.array([1, 1, -1], dtype=x.dtype)


def can_be_built(mol: Chem.Mol) -> bool:
    """Whether distance geometry finds a structure with the stereo of `mol`; a rough guess of whether one exists.

    It fails for some cages that do exist: ask it only of what nothing else could build.
    """
    blank = Chem.Mol(mol)
    blank.RemoveAllConformers()
    parameters: Any = rdDistGeom.ETKDGv3()
    parameters.randomSeed, parameters.useRandomCoords = 1, True
    parameters.maxIterations = _EMBEDDING_ATTEMPTS
    return bool(rdDistGeom.EmbedMolecule(blank, parameters) >= 0)


def _dihedral(bond: Chem.Bond) -> tuple[int, int, int, int]:
    """(reference neighbour, begin, end, reference neighbour) of a stereo double bond."""
    begin, end = bond.GetBeginAtom(), bond.GetEndAtom()
    first, second = bond.GetStereoAtoms()
    if first not in {atom.GetIdx() for atom in begin.GetNeighbors()}:
        first, second = second, first
    return first, begin.GetIdx(), end.GetIdx(), second


def perceived_smiles(mol: Chem.Mol) -> list[str]:
    """Canonical SMILES, without hydrogens, of each conformer of `mol` with the stereo that its coordinates
    show, with chiral tags as `canonical.assign_chiral_tags` reads them.
    """
    blank = Chem.Mol(mol)
    Chem.RemoveStereochemistry(blank)
    smiles = []
    for conformer in mol.GetConformers():
        seen = Chem.Mol(blank, confId=conformer.GetId())
        assign_stereo(seen)
        smiles.append(bare_smiles(seen))
    return smiles
