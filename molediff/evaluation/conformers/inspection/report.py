"""A page on one's own molecules: from files, or from results as they come."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rdkit import Chem

import molediff
from molediff.evaluation.conformers.inspection.ensembles import OwnMolecule, of_result, read_own
from molediff.evaluation.conformers.inspection.inspect import Inspection, inspect
from molediff.evaluation.conformers.inspection.page import kind_of, page
from molediff.molecules.files.records import Drawn
from molediff.molecules.graph.inputs import label
from molediff.runtime.files import complete_file
from molediff.runtime.progress import tqdm


@dataclass(frozen=True)
class ReportSummary:
    """What a report holds.

    Attributes:
        num_molecules: rows of its table.
        num_conformers: over all of them.
        num_warned: molecules with warnings.
        num_bad: molecules that should not be used as they are: unreadable, of wrong stereo, with clashes, odd
            bonds or trans-fused small rings.
        num_without: molecules that could not be read, or have no coordinates.
    """

    num_molecules: int
    num_conformers: int
    num_warned: int
    num_bad: int
    num_without: int = 0


class ReportWriter:
    """Gathers what is to be reported, molecule by molecule, and writes the page in the end.

    Args:
        title: heading of the page.
        source: where the molecules are from, in a few words.
    """

    def __init__(self, title: str = "Conformers", source: str = "") -> None:
        self.title, self.source = title, source
        self._inspections: list[Inspection] = []

    def add(self, result: Drawn | OwnMolecule, name: str) -> Inspection:
        """Measure the conformers of one molecule and keep what the page shows of them."""
        own = result if isinstance(result, OwnMolecule) else of_result(result, name)
        found = inspect(own)
        self._inspections.append(found)
        return found

    def save(self, path: str | os.PathLike[str]) -> ReportSummary:
        """Write the page; it is there whole or not at all.

        Raises:
            ValueError: there is nothing to report on.
            OSError: the file cannot be written.
        """
        if not self._inspections:
            raise ValueError("no molecule to report on")
        protocol = {"from": self.source} if self.source else {}
        protocol["molediff"] = molediff.__version__
        with complete_file(path) as file:
            file.write(page(self._inspections, self.title, protocol))
        kinds = [kind_of(found) for found in self._inspections]
        return ReportSummary(
            len(kinds),
            sum(found.num_conformers for found in self._inspections),
            sum("odd" in kind for kind in kinds),
            sum("bad" in kind for kind in kinds),
            sum(not found.num_conformers for found in self._inspections),
        )


def report_on_files(
    sources: str | Sequence[str],
    output: str | os.PathLike[str],
    title: str | None = None,
    progress: bool = False,
) -> ReportSummary:
    """Report on the conformers in files.

    Args:
        sources: a file with coordinates, or several, see `read_own`.
        output: name of the page (.html), which is replaced.
        title: heading; None: the name of the first file.
        progress: a bar on standard error.

    Raises:
        ValueError: a source is no file of molecules, or there is no molecule in them.
        OSError: a file cannot be read or written.
    """
    sources = [sources] if isinstance(sources, str) else sources
    names = ", ".join(Path(source).name for source in sources)
    writer = ReportWriter(title or f"Conformers of {names}", names)
    for own in tqdm(read_own(sources), unit=" molecules", disable=not progress or None):
        writer.add(own, own.name)
    return writer.save(output)


def report(
    results: Drawn | Chem.Mol | Iterable[Drawn | Chem.Mol],
    output: str | os.PathLike[str],
    names: Iterable[str] | None = None,
    title: str = "Conformers",
) -> ReportSummary:
    """Report on results, or on Mols with conformers, whose stereo is asked for by their tags.

    Args:
        results: one, or an iterable of them, such as `generate_many` gives.
        output: name of the page (.html), which is replaced.
        names: a title for each; None: the SMILES.
        title: heading.

    Raises:
        ValueError: there is nothing to report on, or there are fewer names than results.
        TypeError: something is neither a result nor a Mol.
        OSError: the file cannot be written.
    """
    listed = [results] if isinstance(results, Drawn | Chem.Mol) else results
    if isinstance(listed, str) or not isinstance(listed, Iterable):
        raise TypeError(f"report takes results or Mols with conformers; got {type(results).__name__}")
    titles = None if names is None else iter(names)
    writer = ReportWriter(title)
    for result in listed:
        if not isinstance(result, Drawn | Chem.Mol):
            raise TypeError(f"report takes results or Mols with conformers; got {type(result).__name__}")
        smiles = label(result) if isinstance(result, Chem.Mol) else result.smiles
        name = smiles if titles is None else next(titles, None)
        if name is None:
            raise ValueError("there are fewer names than results: give one for each")
        writer.add(
            OwnMolecule(name, result, asks_stereo=True) if isinstance(result, Chem.Mol) else result, name
        )
    return writer.save(output)
