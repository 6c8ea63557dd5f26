"""What a chemist wants to know of the conformers of one molecule: energies, spread, strain, and what is odd."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem import rdMolDescriptors

from molediff.evaluation.conformers.inspection.ensembles import OwnMolecule
from molediff.evaluation.conformers.inspection.findings import TITLES, Finding, findings
from molediff.evaluation.conformers.metrics.mmff_strain import mmff_strain
from molediff.evaluation.conformers.metrics.stereo import stereo_matches
from molediff.molecules.conformers import ROOM_TEMPERATURE, above_lowest, boltzmann_weights, with_conformers
from molediff.molecules.energies.mmff import MMFF, VARIANT
from molediff.molecules.errors import ForceFieldError, is_of_rdkit
from molediff.molecules.generation.outcome import raised
from molediff.molecules.spread import ConformerDistances
from molediff.runtime.words import counted

MOST_MEASURED = 50
"""Conformers of one molecule whose strain and distances are measured; all are checked."""

STRAIN_PER_ATOM, LEAST_STRAIN = 1.3, 8.0
"""In kcal/mol for each heavy atom, and at least: more strain in MMFF94s than 99 of 100 minima of AIMNet2 have (394 of
`data/drugs_minima.npz`), whose bonds are not those of the force field either."""

SAME = 0.1  # Angstrom, heavy-atom RMSD: nobody tells two such conformers apart


@dataclass(frozen=True)
class Inspection:
    """What there is to say of one molecule with n conformers.

    Attributes:
        own: the conformers.
        smiles: canonical, with the stereo asked for or, without such, that of the first conformer; empty if unreadable.
        formula: with charge.
        energies: above the lowest, in kcal/mol, shape (n,), NaN where not known.
        energy_method: its method; MMFF94s where the file had none.
        weights: Boltzmann weights at 298.15 K, shape (n,).
        strain: above the MMFF94s minimum nearby, in kcal/mol, shape (n,); NaN where not measured.
        spread: mean heavy-atom RMSD of all pairs in Angstrom; NaN with fewer than two.
        findings: what is odd.
        warnings: sort of each warning and the sentence on it, the grave first.
        note: why something could not be measured.
    """

    own: OwnMolecule
    smiles: str = ""
    formula: str = ""
    energies: np.ndarray = field(default_factory=lambda: np.zeros(0))
    energy_method: str = ""
    weights: np.ndarray = field(default_factory=lambda: np.zeros(0))
    strain: np.ndarray = field(default_factory=lambda: np.zeros(0))
    spread: float = float("nan")
    findings: tuple[Finding, ...] = ()
    warnings: tuple[tuple[str, str], ...] = ()
    note: str = ""

    @property
    def num_conformers(self) -> int:
        """n."""
        return 0 if self.own.mol is None else self.own.mol.GetNumConformers()

    @property
    def passed(self) -> np.ndarray:
        """Conformers of which nothing is odd, strain apart, bool, shape (n,)."""
        good = np.ones(self.num_conformers, dtype=bool)
        for finding in self.findings:
            good[list(finding.conformers)] = False
        return good

    def failed_checks(self, conformer: int) -> list[str]:
        """Sorts of what is odd about one conformer."""
        return list(dict.fromkeys(f.sort for f in self.findings if conformer in f.conformers))


STEREO = "stereo"


def inspect(own: OwnMolecule) -> Inspection:
    """Measure the conformers of one molecule; whatever the molecule is, there is an answer."""
    try:
        return _inspected(own)
    except Exception as error:
        if not is_of_rdkit(error):
            raise
        return _inspected(replace(own, mol=None, reason=raised(error)))


def _inspected(own: OwnMolecule) -> Inspection:
    if own.mol is None or own.mol.GetNumConformers() == 0:
        return Inspection(own, warnings=(("failed", own.reason or "There is no conformer."),))
    mol, notes = own.mol, []
    x = np.stack([conformer.GetPositions() for conformer in mol.GetConformers()])
    if not np.isfinite(x).all():
        return Inspection(own, warnings=(("failed", "Some coordinates are not finite numbers."),))
    odd: tuple[Finding, ...] = ()
    energies, method, strain = own.energies, own.energy_method, np.full(len(x), np.nan)
    if any(atom.GetTotalNumHs() for atom in mol.GetAtoms()):
        notes.append("Hydrogens are missing: bonds, contacts, strain and energies are not looked at.")
    else:
        with rdBase.BlockLogs():
            odd = (*_wrong_stereo(own, mol), *findings(mol))
            strain[:MOST_MEASURED] = mmff_strain(with_conformers(mol, x[:MOST_MEASURED]))
            if energies is None:
                energies, method = _mmff_energies(mol, notes)
    relative = np.full(len(x), np.nan) if energies is None else above_lowest(energies)
    weights = np.full(len(x), np.nan) if energies is None else boltzmann_weights(relative, ROOM_TEMPERATURE)
    distances = _distances(mol)
    found = Inspection(
        own,
        Chem.MolToSmiles(Chem.RemoveHs(mol)),
        rdMolDescriptors.CalcMolFormula(mol),
        relative,
        method,
        weights,
        strain,
        float(distances.mean()) if distances.size else float("nan"),
        odd,
        note=" ".join(notes),
    )
    return Inspection(**{**found.__dict__, "warnings": tuple(_warnings(found, distances))})


def _wrong_stereo(own: OwnMolecule, mol: Chem.Mol) -> list[Finding]:
    if not own.asks_stereo:
        return []
    wrong = np.flatnonzero(~stereo_matches(mol))
    text = "the coordinates do not show the R/S and E/Z that was asked for"
    return [Finding(STEREO, tuple(map(int, wrong)), text)] if len(wrong) else []


def _mmff_energies(mol: Chem.Mol, notes: list[str]) -> tuple[np.ndarray | None, str]:
    try:
        field_ = MMFF(Chem.Mol(mol))
    except ForceFieldError as error:
        notes.append(f"No energies: {error}.")
        return None, ""
    return np.array([field_.energy(conformer.GetId()) for conformer in mol.GetConformers()]), VARIANT


def _distances(mol: Chem.Mol) -> np.ndarray:
    """Heavy-atom RMSD in Angstrom of all pairs of the first conformers."""
    kept = with_conformers(mol, [c.GetPositions() for c in list(mol.GetConformers())[:MOST_MEASURED]])
    if kept.GetNumConformers() < 2:
        return np.zeros(0)
    to_all = ConformerDistances(kept).to_all
    return np.concatenate([to_all(i)[i + 1 :] for i in range(kept.GetNumConformers() - 1)])


def _warnings(found: Inspection, distances: np.ndarray) -> list[tuple[str, str]]:
    own, mol = found.own, found.own.mol
    assert mol is not None
    warnings = []
    for sort in (STEREO, *TITLES):
        mine = [finding for finding in found.findings if finding.sort == sort]
        if mine:
            num = len({conformer for finding in mine for conformer in finding.conformers})
            title = "stereo not as asked" if sort == STEREO else TITLES[sort]
            warnings.append(
                (title, f"in {num} of {counted(found.num_conformers, 'conformer')}, first: {mine[0].text}")
            )
    limit = max(LEAST_STRAIN, STRAIN_PER_ATOM * mol.GetNumHeavyAtoms())
    strained = int((found.strain > limit).sum())
    if strained:
        warnings.append(
            (
                "strain",
                f"in {strained} of {counted(found.num_conformers, 'conformer')} above {limit:.0f} kcal/mol, up to "
                f"{np.nanmax(found.strain):.0f}",
            )
        )
    if own.num_requested is not None and found.num_conformers < own.num_requested:
        few = f"{found.num_conformers} of {counted(own.num_requested, 'conformer')}"
        distinct = f"{few}: {own.num_left_out} were left out, as duplicates or for their energy"
        warnings.append(("distinct", distinct) if own.num_left_out else ("incomplete", few))
    same = int((distances < SAME).sum())
    if same:
        warnings.append(("alike", f"{counted(same, 'pair')} of conformers closer than {SAME} Å"))
    if own.reason:
        warnings.append(("note", own.reason))
    if found.note:
        warnings.append(("not measured", found.note))
    return warnings
