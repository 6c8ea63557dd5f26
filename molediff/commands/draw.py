"""What `molediff conformers` does: checks all that can be wrong, draws, writes, and says what came of it."""

from __future__ import annotations

import functools
import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molediff.commands import exits
from molediff.commands.files import STANDARD, check_new
from molediff.commands.threads import use_threads

if TYPE_CHECKING:
    from molediff.molecules.files.export import ExportSummary
    from molediff.molecules.files.io import MoleculeInput
    from molediff.molecules.generation.result import GenerationResult

_SETTING = re.compile(r"\+{0,2}([a-z]\w*)=")
_OTHER_WORDS = {"num_workers": "workers"}
"""Settings whose option is called otherwise."""


@dataclass(frozen=True)
class Draw:
    """One run of the command; the fields are its options.

    Attributes:
        settings: of `ConformerGenerator.generate_many` by their names.
    """

    molecules: Sequence[str]
    num_conformers: int
    seed: int
    output: str
    status: str | None
    report: str | None
    overwrite: bool
    smiles_column: str
    preset: str | None
    fixed: str | None
    strict: bool
    weights: str
    device: str | None
    threads: int | None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def run(self, as_json: bool, quiet: bool) -> int:
        """Do it, and return the exit code."""
        self._check(as_json)
        start = time.perf_counter()
        try:
            summary = self._drawn(quiet)
        except ValueError as error:
            if len(error.args) == 1:
                error.args = (self._in_words_of_options(str(error)),)
            raise
        facts = self._facts(summary, time.perf_counter() - start)
        if as_json:
            print(json.dumps(facts, indent=2))
        _tell(facts, quiet or as_json)
        return int(facts["exit_code"])

    @property
    def table(self) -> str:
        """Name of the table of all inputs; without `--status` it is kept where an input failed."""
        return self.status or f"{self.output}.status.csv"

    def _check(self, as_json: bool) -> None:
        """Find what is wrong with the command line before anything that takes time is loaded."""
        for word in self.molecules:
            match = _SETTING.match(word)
            if match and match[1] in {*self.__dataclass_fields__, *self.settings} and not Path(word).exists():
                raise ValueError(
                    f"{word!r} looks like a setting: options are written {self._option(match[1])} "
                    f"{word[match.end() :] or '...'}"
                )
        if self.output == STANDARD:
            for option, value in (("--json", as_json), ("--status", self.status), ("--report", self.report)):
                if value:
                    raise ValueError(f"{option} needs a file for the conformers: -o FILE instead of -o -")
        given = {Path(word).resolve() for word in self.molecules if word != STANDARD}
        for name in (self.output, self.table, self.report):
            if name not in (None, STANDARD) and Path(str(name)).resolve() in given:
                raise ValueError(f"{name} is an input and would be overwritten: name another file")
        check_new([self.output, self.status, self.report], self.overwrite)

    def _drawn(self, quiet: bool) -> ExportSummary:
        from tqdm import tqdm

        from molediff.molecules.files.export import export_conformers
        from molediff.molecules.files.io import read_fixed, read_inputs
        from molediff.molecules.generator import ConformerGenerator
        from molediff.runtime.memory import keep_freed_memory

        keep_freed_memory()
        use_threads(self.threads)
        inputs = read_inputs(self.molecules, self.smiles_column)
        settings = dict(self.settings)
        if self.preset is not None:  # what is left at its default is left to the preset
            settings = {word: value for word, value in settings.items() if value not in (None, False)}
        fixed = None if self.fixed is None else read_fixed(self.fixed)
        generator = ConformerGenerator.from_pretrained(self.weights, device=self.device)
        generate_many = functools.partial(
            generator.generate_many,
            num_conformers=self.num_conformers,
            seed=self.seed,
            preset=self.preset,
            fixed=fixed,
            strict=self.strict,
            **settings,
        )
        bar = tqdm(inputs, unit=" molecules", disable=quiet or None, leave=False)
        if self.output == STANDARD:
            return _to_standard_output(bar, generate_many)
        if self.report is None:
            return export_conformers(bar, generate_many, self.output, self.table)
        from molediff.evaluation.conformers.inspection.report import ReportWriter

        page = ReportWriter(f"Conformers in {Path(self.output).name}", ", ".join(self.molecules[:3]))
        summary = export_conformers(bar, generate_many, self.output, self.table, each=page.add)
        page.save(self.report)
        return summary

    def _facts(self, summary: ExportSummary, seconds: float) -> dict[str, Any]:
        """What there is to say in the end; files of a run that was interrupted get names that say so."""
        counts, total = summary.num_inputs, sum(summary.num_inputs.values())
        output, table = self.output, self.table
        interrupted = getattr(summary, "interrupted", False)
        if interrupted:
            output, table = map(_renamed_as_partial, (output, table))
            code = exits.INTERRUPTED
        elif counts["failed"] == total:
            code = exits.NONE_SUCCEEDED
        else:
            code = exits.SOME_FAILED if counts["failed"] else exits.OK
        wanted = self.status is not None or interrupted or counts["ok"] < total
        if not wanted:
            Path(table).unlink(missing_ok=True)
        return {
            "output": output if summary.num_conformers else None,
            "num_conformers": summary.num_conformers,
            "molecules": {"total": total, **counts},
            "failures": [{"name": name, "reason": reason} for name, reason in summary.failures],
            "status": table if wanted and Path(table).exists() else None,
            "report": self.report,
            "seconds": round(seconds, 2),
            "interrupted": interrupted,
            "exit_code": code,
        }

    def _option(self, name: str) -> str:
        return f"--{_OTHER_WORDS.get(name, name).replace('_', '-')}"

    def _in_words_of_options(self, message: str) -> str:
        """A message of the package with its settings, such as `num_steps` or `relax='mmff'`, as written here."""
        names = [*self.settings, "num_conformers", "smiles_column", "device", "preset", "strict"]
        given = re.sub(
            rf"\b({'|'.join(names)})='(\w+)'", lambda found: f"{self._option(found[1])} {found[2]}", message
        )
        long = "|".join(name for name in names if "_" in name)
        return re.sub(rf"\b({long})\b", lambda found: self._option(found[1]), given)


def _to_standard_output(
    inputs: Iterable[MoleculeInput], generate_many: Callable[[Iterator[Any]], Iterable[GenerationResult]]
) -> ExportSummary:
    """Write SDF records as they come; Ctrl-C ends it behind a whole record."""
    from collections import deque

    from molediff.molecules.files.export import UNREADABLE, ExportSummary
    from molediff.molecules.files.output import ConformerWriter

    summary, writer = ExportSummary(), ConformerWriter(sys.stdout, ".sdf")
    pending: deque[MoleculeInput] = deque()

    def molecules() -> Iterator[Any]:
        for item in inputs:
            pending.append(item)
            yield item.molecule

    for result in generate_many(molecules()):
        item = pending.popleft()
        summary.num_conformers += writer.write(result, item.name)
        summary.num_inputs[result.status] += 1
        if result.status != "ok":
            summary.failures.append((item.name, UNREADABLE if item.molecule is None else result.reason))
        sys.stdout.flush()
    if not any(summary.num_inputs.values()):
        raise ValueError("no molecule in what was given to read")
    return summary


def _renamed_as_partial(name: str) -> str:
    """Give a file whose run did not come to its end a name that says so, and return that."""
    path = Path(name)
    stem, dot, ending = path.name.partition(".")
    partial = path.with_name(f"{stem}.partial{dot}{ending}")
    if path.exists():
        path.replace(partial)
    return str(partial)


def _tell(facts: Mapping[str, Any], quiet: bool) -> None:
    """The same for people, on standard error, so that standard output stays free for records."""
    counts, failures = facts["molecules"], facts["failures"]
    done = counts["total"] - counts["failed"]
    lines = []
    if not quiet or facts["interrupted"]:
        where = f"{facts['output']}: " if facts["output"] not in (None, STANDARD) else ""
        made = f"{where}{_number(facts['num_conformers'], 'conformer')} of {_number(done, 'molecule')}"
        lines.append(f"{'interrupted; ' if facts['interrupted'] else ''}{made} in {facts['seconds']:.1f} s")
    for word, number in (("failed", counts["failed"]), ("came out in part", counts["partial"])):
        if number:
            lines.append(f"{number} of {_number(counts['total'], 'molecule')} {word}")
    lines += [f"  {failure['name']}: {failure['reason']}" for failure in failures]
    if failures and facts["status"]:
        lines.append(f"all of them, with reasons: {facts['status']}")
    print("\n".join(lines), file=sys.stderr, end="\n" if lines else "")


def _number(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
