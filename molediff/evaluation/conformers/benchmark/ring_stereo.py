"""All stereoisomers of many ring systems: does RDKit read the isomer asked for off every conformer returned?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from rdkit import Chem
from rdkit.Chem.EnumerateStereoisomers import EnumerateStereoisomers, StereoEnumerationOptions

from molediff.evaluation.conformers.references import read_references
from molediff.molecules.generator import ConformerGenerator


def read_isomers(mol: Chem.Mol) -> list[str]:
    """What RDKit's `AssignStereochemistryFrom3D` makes of each conformer: canonical isomeric SMILES."""
    found = []
    for conformer in mol.GetConformers():
        seen = Chem.Mol(mol, confId=conformer.GetId())
        Chem.RemoveStereochemistry(seen)
        Chem.AssignStereochemistryFrom3D(seen, replaceExistingTags=True)
        found.append(Chem.MolToSmiles(Chem.RemoveHs(seen)))
    return found


def demanded(smiles: str) -> str:
    """Canonical SMILES with what is demanded of rings alone: without the marks of three-coordinate nitrogen, which
    RDKit reads from no coordinates, and of C=NH, which the isomers leave open.
    """
    mol = Chem.MolFromSmiles(smiles)
    for atom in mol.GetAtoms():
        if atom.GetAtomicNum() == 7 and atom.GetTotalDegree() == 3:
            atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
        elif atom.GetAtomicNum() == 7 and atom.GetTotalNumHs(includeNeighbors=True):
            for bond in atom.GetBonds():
                bond.SetStereo(Chem.BondStereo.STEREONONE)
    return str(Chem.MolToSmiles(Chem.RemoveHs(Chem.MolFromSmiles(Chem.MolToSmiles(mol)))))


def bicycles(num: int) -> list[str]:
    """SMILES without stereo of bicyclo[x.y.z] compounds, with carbon, oxygen or nitrogen in their bridges."""
    found = []
    for x, y, z, hetero, substituent in product(
        (1, 2, 3), (0, 1, 2), (1, 2), ("C", "O", "N"), ("", "C", "F")
    ):
        if x >= z:
            long, short, last = "C" * (x - 1) + hetero, "C" * y, "C" * z
            head = f"C12({substituent})" if substituent else "C12"
            found.append(f"{head}{long}C({short}1){last}2" if y else f"{head}{long}C1{last}2")
    return list(dict.fromkeys(map(Chem.CanonSmiles, found)))[:num]


def ring_systems(mols: Sequence[Chem.Mol], num: int) -> list[str]:
    """SMILES without stereo of the first molecules with two stereocentres or more in rings."""
    found: dict[str, None] = {}
    for mol in mols:
        bare = Chem.RemoveHs(mol)
        centres = [
            i
            for i, _ in Chem.FindMolChiralCenters(bare, includeUnassigned=True, useLegacyImplementation=False)
        ]
        if sum(bare.GetAtomWithIdx(i).IsInRing() for i in centres) > 1:
            Chem.RemoveStereochemistry(bare)
            found[Chem.MolToSmiles(bare)] = None
        if len(found) == num:
            break
    return list(found)


def isomers(smiles: Sequence[str], max_isomers: int) -> Iterator[str]:
    """Canonical SMILES of all stereoisomers of each, those included that cannot exist."""
    options = StereoEnumerationOptions(unique=True, maxIsomers=max_isomers, rand=1)
    for text in smiles:
        yield from dict.fromkeys(
            Chem.CanonSmiles(Chem.MolToSmiles(isomer))
            for isomer in EnumerateStereoisomers(Chem.MolFromSmiles(text), options)
        )


def measure(
    weights: str,
    references: str,
    num_systems: int,
    num_bicycles: int,
    max_isomers: int,
    num_conformers: int,
    seed: int,
) -> dict[str, Any]:
    """Run what `configs/benchmark/ring_stereo.yaml` asks for."""
    generator = ConformerGenerator.from_pretrained(weights, device="cpu")
    figures: dict[str, Any] = {}
    sets = {
        "ring systems": ring_systems(read_references(references), num_systems),
        "bicycles": bicycles(num_bicycles),
    }
    for name, smiles in sets.items():
        counts: Counter[str] = Counter(systems=len(smiles))
        misread = []
        for result in generator.generate_many(
            isomers(smiles, max_isomers), num_conformers, seed, max_attempts=2
        ):
            counts["isomers"] += 1
            counts["failed"] += result.status == "failed"
            counts["called impossible"] += "not possible as a strain-free structure" in result.reason
            asked = demanded(result.smiles)
            read = [] if result.mol is None else list(map(demanded, read_isomers(result.mol)))
            counts["conformers"] += len(read)
            misread += [(asked, other) for other in read if other != asked]
        figures[name] = {**counts, "misread": misread}
        print(f"{name}: {dict(counts)}, misread {len(misread)} {misread[:5]}", flush=True)
    return figures
