"""What all commands share at the prompt: help in groups, errors in one line, `--debug`.

The line is parsed by typer, which prints an error of usage on four lines and knows no other errors.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import Abort, TyperException

from molediff.commands import exits
from molediff.commands.notes import warnings_in_one_line
from molediff.commands.options import MACHINE, SAMPLING
from molediff.commands.words import as_typed, options_of
from molediff.runtime.interrupts import end_when_asked

PROGRAM = "molediff"
_DEBUG = "--debug"
_FEW = 6
"""Commands of a group that fit in a sentence."""
_OTHER = "Other options"
_LAST = (SAMPLING, "What is done with them", MACHINE, _OTHER)
"""Groups that a help ends with, in this order; what is asked for and the files go before."""
# What typer says beside a name and its help, and nobody needs: `<list[str]>`, `x>=1`.
_TYPE, _BOUND = re.compile(r" <(?:list\[)?str\]?>"), re.compile(r" *\[x>=\d+\]|; x>=\d+| *\[required\]")


# The parser's checks of a value, in our words.
_RULES = {
    "valid integer": "takes a whole number",
    "valid number": "takes a number",
    r"greater than or equal to (\S+)": r"must be at least \1",
}


class _Interrupted(Exception):
    """Ctrl-C or a request to end, in a form that the parser hands on."""

    def __init__(self, code: int):
        self.code = code


class _ClosedPipe(Exception):
    """Nobody reads what we print."""


class Command(TyperCommand):
    """A command whose help shows options in the groups that `rich_help_panel` names, and examples as they are."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write one section a group, in the order in which the options stand."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                usual = "Arguments" if param.param_type_name == "argument" else _OTHER
                title = getattr(param, "rich_help_panel", None) or usual
                name, words = record
                sections.setdefault(title, []).append((_TYPE.sub("", name), _BOUND.sub("", words)))
        others = [*sections.pop(_OTHER, []), (_DEBUG, "Show the traceback of an error.")]
        for title, records in sorted(
            {**sections, _OTHER: others}.items(), key=lambda section: _place(section[0])
        ):
            with formatter.section(title):
                formatter.write_dl(records)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """The examples, to be copied."""
        if self.epilog:
            formatter.write_paragraph()
            formatter.write(f"{self.epilog.strip()}\n")


def _place(title: str) -> int:
    return _LAST.index(title) if title in _LAST else -1


class Group(TyperGroup):
    """Commands under one name; whatever goes wrong in them is one line and an exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line `args` (that of the process if None) and end with its exit code."""
        debug, words = _without_debug(list(sys.argv[1:] if args is None else args))
        name = f"{PROGRAM} {words[0]}" if words and words[0] in self.commands else PROGRAM
        options = options_of(_named(self, words))
        end_when_asked()
        try:
            with warnings_in_one_line(name, options, quiet=bool({"-q", "--quiet"} & {*words})):
                code = super().main(words, PROGRAM, complete_var, False, windows_expand_args, **extra)
            sys.stdout.flush()
        except (_ClosedPipe, BrokenPipeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else Python complains when it ends
            code = exits.CLOSED_PIPE
        except Exception as error:
            if debug and not isinstance(error, TyperException | _Interrupted):
                raise
            message, code = _told(error, words, options)
            print(message if message.startswith("Usage") else f"{name}: {message}", file=sys.stderr)
        raise SystemExit(code if isinstance(code, int) else exits.OK)

    def invoke(self, ctx: Any) -> Any:
        """Call the command that is named."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, Abort) as error:
            raise _Interrupted(exits.code_of(error)) from error
        except BrokenPipeError as error:
            raise _ClosedPipe from error

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is named; an unknown name gets a hint."""
        try:
            return super().resolve_command(ctx, args)
        except TyperException as error:
            if "Did you mean" not in error.message:
                error.message = (
                    f"no such command {args[0]!r}: {_hint(args[0], ctx.command_path, list(self.commands))}"
                )
            raise


def _hint(word: str, path: str, names: list[str]) -> str:
    if path != PROGRAM and len(names) <= _FEW:
        return f"there are {', '.join(f'{path} {name}' for name in names)}"
    is_molecule = path == PROGRAM and (any(letter in word for letter in "()[]=#@/\\.") or word.isupper())
    return (
        f"{PROGRAM} conformers {word!r} gives its conformers" if is_molecule else f"{path} --help names them"
    )


def _without_debug(words: list[str]) -> tuple[bool, list[str]]:
    """Whether `--debug` is asked for, and the other words; what stands behind `--` is no option."""
    end = words.index("--") if "--" in words else len(words)
    return _DEBUG in words[:end], [word for word in words[:end] if word != _DEBUG] + words[end:]


def _named(command: Any, words: Sequence[str]) -> Any:
    """The command that the first words name, down through its groups; the innermost known one."""
    for word in words:
        if word not in (inner := getattr(command, "commands", {})):
            break
        command = inner[word]
    return command


def _told(error: Exception, typed: Sequence[str], options: Mapping[str, str]) -> tuple[str, int]:
    """What to print about an error, and the exit code."""
    if isinstance(error, _Interrupted):
        return "interrupted", error.code
    if type(error).__name__ == "NoArgsIsHelpError":
        return str(error), exits.WRONG_ARGUMENTS
    if isinstance(error, TyperException):
        return f"error: {_of_usage(error, typed)}", exits.WRONG_ARGUMENTS
    return f"error: {as_typed(exits.sentence(error), options)}", exits.code_of(error)


def _of_usage(error: TyperException, typed: Sequence[str]) -> str:
    """One line about a command line that cannot be understood."""
    param = getattr(error, "param", None)
    for rule, words in _RULES.items():
        if param is not None and (found := re.search(rule, error.message)):
            options = [option for option in param.opts if option.startswith("--")]
            return f"{(options or param.opts)[0]} {found.expand(words)}{_value_of(param.opts, typed)}"
    context = getattr(error, "ctx", None)
    path = PROGRAM if context is None else context.command_path
    behind = set(typed) & set(getattr(getattr(context, "command", None), "commands", ()))
    words, option = " ".join(error.format_message().split()), getattr(error, "option_name", None)
    if words.startswith("No such option"):
        possible = getattr(error, "possibilities", None) or ()
        hint = f"did you mean {possible[0]}?" if possible else f"{path} --help names them"
        if behind and not possible:
            hint = f"options stand behind their command, {path} {min(behind)} {option}"
        return f"no such option {option}: {hint}"
    return words[:1].lower() + words[1:]


def _value_of(options: Sequence[str], typed: Sequence[str]) -> str:
    """What was typed behind one of the names of an option."""
    for word, following in zip(typed, [*typed[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name in options:
            return f"; got {(value if equals else following)!r}"
    return ""


def app(**settings: Any) -> typer.Typer:
    """A typer app that speaks as above."""
    return typer.Typer(
        cls=settings.pop("cls", Group),
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
        **settings,
    )
