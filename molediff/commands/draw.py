"""What `molediff conformers` does: checks all that can be wrong, draws, writes, and says what came of it."""

from __future__ import annotations

import functools
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from molediff.commands import exits
from molediff.commands.files import STANDARD, check_new, with_word
from molediff.commands.telling import progress, tell, to_standard_output
from molediff.commands.threads import use_threads
from molediff.commands.words import spoken

if TYPE_CHECKING:
    from molediff.molecules.files.export import ExportSummary
    from molediff.molecules.files.io import MoleculeInput
    from molediff.molecules.generation.result import GenerationResult

GenerateMany = Callable[[Iterator[Any]], "Iterable[GenerationResult]"]
_SETTING = re.compile(r"\+{0,2}([a-z]\w*)=")
_OF_THE_MACHINE = ("num_workers", "batch_atoms")
"""Settings that change no conformer."""
_OF_THE_WORK = ("weights", "num_conformers", "seed", "max_atoms")
"""What each process of a cluster is told beside the settings."""
_MOST_OF_SOURCE = 200


@dataclass(frozen=True)
class Draw:
    """One run of the command; the fields are its options.

    Attributes:
        settings: of `ConformerGenerator.generate_many` by their names.
        options: how settings are written at the prompt, see `words.options_of`.
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
    largest_fragment: bool
    weights: str
    device: str | None
    threads: int | None
    max_atoms: int | None = None
    shard: str | None = None
    engine: str = "local"
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)

    def run(self, as_json: bool, quiet: bool) -> int:
        """Do it, and return the exit code."""
        self._check(as_json)
        start = time.perf_counter()
        inputs, generate_many = self._ready()
        began = time.perf_counter()
        summary = self._drawn(progress(inputs, quiet), generate_many)
        facts = self._facts(summary)
        facts["seconds"] = round(time.perf_counter() - start, 2)
        facts["seconds_to_start"] = round(began - start, 2)
        if as_json:
            print(json.dumps(facts, indent=2))
        tell(facts, quiet or as_json)
        return int(facts["exit_code"])

    @property
    def table(self) -> str:
        """Name of the table of all inputs; without `--status` it is kept where an input failed."""
        return self.status or f"{self.output}.status.csv"

    def _check(self, as_json: bool) -> None:
        """Find what is wrong with the command line before anything that takes time is loaded."""
        for word in self.molecules:
            match = _SETTING.match(word)
            written = self.options.get(match[1]) if match else None
            if match and written and not Path(word).exists():
                written += f" {word[match.end() :] or '...'}"
                raise ValueError(f"{word!r} looks like a setting: options are written {written}")
        if self.engine not in ("local", "ray"):
            raise ValueError(f"--engine is local or ray; got {self.engine!r}")
        if self.shard is not None or self.engine == "ray":
            self._check_job()
        if self.output == STANDARD:
            for option, value in (("--json", as_json), ("--status", self.status), ("--report", self.report)):
                if value:
                    raise ValueError(f"{option} needs a file for the conformers: -o FILE instead of -o -")
        if self.report is not None and not self.report.lower().endswith((".html", ".htm")):
            raise ValueError(f"the report is a page, --report FILE.html; got {self.report}")
        files = [Path(name).resolve() for name in (self.output, self.table, self.report) if name]
        if len({*files}) < len(files):
            raise ValueError("conformers, table and report need a file each: name different ones")
        given = {Path(word).resolve() for word in self.molecules if word != STANDARD}
        for name in (self.output, self.table, self.report):
            if name not in (None, STANDARD) and Path(str(name)).resolve() in given:
                raise ValueError(f"{name} is an input and would be overwritten: name another file")
        goes_on = self.shard is not None or self.engine == "ray"  # where it was, if it is the same run
        check_new([self.output, self.status, self.report], self.overwrite or goes_on)

    def _check_job(self) -> None:
        """Of one of many jobs: what makes no sense for it."""
        option = "--engine ray" if self.engine == "ray" else "--shard"
        for other, value in (("--status", self.status), ("--report", self.report)):
            if value:
                raise ValueError(f"{other} is of a whole run, and not of {option}: leave it out")
        if self.output == STANDARD:
            raise ValueError(f"{option} needs a file: -o FILE instead of -o -")
        if self.engine == "ray" and (self.shard or self.fixed or self.preset):
            raise ValueError("--engine ray takes no --shard, no --fixed and no --preset")
        if self.engine == "ray" and Path(self.output).suffix:
            raise ValueError(f"--engine ray writes a folder of Parquet files: -o FOLDER; got {self.output}")
        if self.shard is not None:
            from molediff.molecules.jobs.shards import Shard

            Shard.parse(self.shard)

    def _ready(self) -> tuple[Iterator[MoleculeInput], GenerateMany | None]:
        """The molecules, and what draws conformers of them, its weights loaded, which takes seconds.

        On Ray each process loads its own.
        """
        from molediff.molecules.files.ensembles import as_ensembles
        from molediff.molecules.files.io import read_fixed, read_inputs
        from molediff.molecules.files.output import few_enough
        from molediff.molecules.generator import ConformerGenerator
        from molediff.runtime.memory import keep_freed_memory

        keep_freed_memory()
        use_threads(self.threads)
        inputs = as_ensembles(read_inputs(self.molecules, self.smiles_column))
        if self.engine == "ray":
            return inputs, None
        inputs = few_enough(inputs, self.output)
        fixed = None if self.fixed is None else read_fixed(self.fixed)
        generator = ConformerGenerator.from_pretrained(
            self.weights, device=self.device, max_atoms=self.max_atoms
        )
        generate_many: GenerateMany = functools.partial(
            generator.generate_many,
            num_conformers=self.num_conformers,
            seed=self.seed,
            preset=self.preset,
            fixed=fixed,
            **self._settings,
        )
        return inputs, lambda molecules: spoken(generate_many(molecules), self.options)

    @property
    def _settings(self) -> dict[str, Any]:
        """Those that were given; what is left at its default is left to the preset, if there is one."""
        given = {**self.settings, "strict": self.strict, "largest_fragment": self.largest_fragment}
        if self.preset is None:
            return given
        return {word: value for word, value in given.items() if value not in (None, False)}

    def _drawn(self, inputs: Iterable[MoleculeInput], generate_many: GenerateMany | None) -> ExportSummary:
        from molediff.molecules.files.export import NoInputError

        try:
            return self._on_ray(inputs) if generate_many is None else self._written(inputs, generate_many)
        except NoInputError:
            named = ("standard input" if word == STANDARD else word for word in self.molecules)
            raise NoInputError(f"there is no molecule in {', '.join(named)[:_MOST_OF_SOURCE]}") from None

    def _written(
        self,
        inputs: Iterable[MoleculeInput],
        generate_many: GenerateMany,
    ) -> ExportSummary:
        from molediff.molecules.files.export import export_conformers

        if self.output == STANDARD:
            return to_standard_output(inputs, generate_many)
        if self.shard is not None:
            from molediff.molecules.jobs.shards import Shard, export_shard

            made_with: dict[str, Any] = {
                "weights": self.weights,
                "num_conformers": self.num_conformers,
                "seed": self.seed,
                "preset": self.preset,
                "fixed": self.fixed,
                "strict": self.strict,
                "largest_fragment": self.largest_fragment,
                **{key: value for key, value in self.settings.items() if key not in _OF_THE_MACHINE},
            }
            if self.max_atoms is not None:  # as in the records of former runs, which know nothing of it
                made_with["max_atoms"] = self.max_atoms
            shard = Shard.parse(self.shard)
            return export_shard(
                inputs,
                generate_many,
                self.output,
                shard,
                made_with,
                overwrite=self.overwrite,
                interrupted_as=_as_partial,
            )
        if self.report is None:
            return export_conformers(
                inputs, generate_many, self.output, self.table, interrupted_as=_as_partial
            )
        from molediff.evaluation.conformers.inspection.report import ReportWriter

        page = ReportWriter(
            f"Conformers in {Path(self.output).name}", " ".join(self.molecules)[:_MOST_OF_SOURCE]
        )
        summary = export_conformers(
            inputs, generate_many, self.output, self.table, each=page.add, interrupted_as=_as_partial
        )
        page.save(_as_partial(Path(self.report)) if summary.interrupted else self.report)
        return summary

    def _on_ray(self, inputs: Iterable[MoleculeInput]) -> ExportSummary:
        """Let the processes of a Ray cluster do it, and count what became of the inputs."""
        from molediff.commands.ray_engine import run

        settings = {key: value for key, value in self.settings.items() if key != "num_workers"}
        workers = self.settings["num_workers"]
        settings |= {"strict": self.strict, "largest_fragment": self.largest_fragment}
        work: dict[str, Any] = {name: getattr(self, name) for name in _OF_THE_WORK}
        return run(inputs, self.output, work, settings, self.device, workers)

    def _facts(self, summary: ExportSummary) -> dict[str, Any]:
        """What there is to say in the end; files of a run that was interrupted have names that say so."""
        counts, total = summary.num_inputs, sum(summary.num_inputs.values())
        output, table, report = self.output, self.table, self.report
        if self.shard is not None:
            from molediff.molecules.jobs.shards import Shard, status_of

            path = Shard.parse(self.shard).name_of(output)
            output, table = str(path), str(status_of(path))
        if summary.interrupted:
            output, table = (
                name if name == STANDARD else with_word(name, "partial") for name in (output, table)
            )
            report = None if report is None else with_word(report, "partial")
            code = exits.TERMINATED if summary.terminated else exits.INTERRUPTED
        elif counts["failed"] == total > 0:
            code = exits.NONE_SUCCEEDED
        else:
            code = exits.SOME_FAILED if counts["failed"] else exits.OK
        wanted = (
            self.status is not None or self.shard is not None or summary.interrupted or counts["ok"] < total
        )
        if not wanted:
            Path(table).unlink(missing_ok=True)
        return {
            "output": output if summary.num_conformers else None,
            "num_conformers": summary.num_conformers,
            "molecules": {"total": total, **counts},
            "failures": [{"name": name, "reason": reason} for name, reason in summary.failures],
            "cautions": [{"name": name, "reason": reason} for name, reason in summary.cautions],
            "num_cautions": summary.num_cautions,
            "report": report,
            "status": table if wanted and Path(table).exists() else None,
            "done_before": summary.done_before,
            "interrupted": summary.interrupted,
            "exit_code": code,
        }


def _as_partial(path: Path) -> Path:
    """The name of a file whose run did not come to its end."""
    return Path(with_word(str(path), "partial"))
