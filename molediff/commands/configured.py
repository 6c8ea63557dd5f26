"""What is configured by Hydra: a main whose errors are one line for the person who caused them.

    from molediff.commands.configured import DictConfig, command

    @command("train")                      # reads configs/train.yaml
    def main(config: DictConfig) -> None: ...

    if __name__ == "__main__":
        main()

An error of the user's (a misspelt key, a missing file, a value out of range) is printed as one line on stderr and
the script ends with the code of `exits`; an interrupt ends it with code 130. Anything else is a bug and keeps its
traceback.
`HYDRA_FULL_ERROR=1` shows the traceback of the first kind too.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NoReturn

import molediff.commands.interrupt  # noqa: F401 (first: what follows takes seconds)

# isort: split
import hydra
from hydra.errors import HydraException, OverrideParseException
from hydra.utils import get_method, instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from molediff.commands import CONFIGS
from molediff.commands.config_help import FUNCTIONS, help_text
from molediff.commands.exits import INTERRUPTED, WRONG_ARGUMENTS, code_of
from molediff.commands.exits import sentence as plain_sentence
from molediff.commands.quoting import OVERRIDE, quoted_paths
from molediff.commands.shapes import check_shapes
from molediff.commands.threads import use_threads
from molediff.core.solvers import Solver
from molediff.runtime.memory import keep_freed_memory

CLONE = CONFIGS.parent
"""Where the scripts are, and `data/`, which configs name by relative paths."""

USER_ERRORS = (HydraException, OmegaConfBaseException, ValueError, OSError, ImportError)
"""Errors that tell the user what to do; the package raises them with one clear sentence."""

_HYDRA_FLAGS_WITH_VALUE = {
    *(
        "--cfg",
        "-c",
        "--package",
        "-p",
        "--config-path",
        "-cp",
        "--config-name",
        "-cn",
        "--config-dir",
        "-cd",
    ),
    *("--experimental-rerun", "--info", "-i"),
}


def command(
    config_name: str, takes_arguments: bool = False
) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Make a function the main of a script, configured by `configs/<config_name>.yaml` and the command line.

    Args:
        config_name: file in `configs/`, without `.yaml`.
        takes_arguments: give the words of the command line that are not `key=value` overrides to the function as
            its second argument, a list of strings; Hydra's grammar, which forbids most SMILES, never sees them.
    """

    def decorate(function: Callable[..., None]) -> Callable[[], None]:
        @functools.wraps(function)
        def main() -> None:
            traceback_wanted = os.environ.get("HYDRA_FULL_ERROR") == "1"
            arguments: list[str] = []
            bugs: list[Exception] = []
            if {"--help", "-h"} & {*sys.argv[1:]}:
                print(help_text(config_name, sys.argv[1:], function.__doc__ or "", takes_arguments))
                return
            keep_freed_memory()

            @functools.wraps(function)
            def task(config: DictConfig) -> None:
                try:
                    function(config, arguments) if takes_arguments else function(config)
                except USER_ERRORS as error:
                    if traceback_wanted:
                        raise
                    stop(sentence(error), _code(error))
                except Exception as error:  # Hydra would print a line of its own before it hands it on
                    bugs.append(error)

            try:
                if takes_arguments:
                    arguments, sys.argv[1:] = split_arguments(sys.argv[1:], config_name)
                sys.argv[1:] = quoted_paths(sys.argv[1:], config_name)
                os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise its errors instead of printing them
                hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name=config_name)(task)()
                if bugs:
                    raise bugs[0]
            except KeyboardInterrupt:
                print(f"{script_name()}: interrupted", file=sys.stderr)
                raise SystemExit(INTERRUPTED) from None
            except (HydraException, OmegaConfBaseException) as error:
                if traceback_wanted:
                    raise
                stop(_unknown_key(error, config_name, takes_arguments) or sentence(error))
            finally:
                if not traceback_wanted:
                    os.environ.pop("HYDRA_FULL_ERROR", None)

        return main

    return decorate


def split_arguments(words: list[str], config_name: str) -> tuple[list[str], list[str]]:
    """Split a command line into (arguments of the script, words for Hydra).

    `key=value` is an override if `key` begins with a key of the config or with a config group. Otherwise it is
    an argument if it is a file or reads as a SMILES (`CC=O`, `N#Cc1ccc(C=O)cc1`); what is left looks like a
    misspelt override and goes to Hydra, which names the key.
    """
    files = [CONFIGS / f"{config_name}.yaml", *(CONFIGS / config_name).glob("*.yaml")]
    keys = {str(key) for file in files for key in OmegaConf.load(file)} - {
        "defaults",
        "run",
    }  # `run` is not the user's
    keys |= {path.name for path in CONFIGS.iterdir() if path.is_dir()} | {"hydra"}
    arguments, overrides = [], []
    remaining = iter(words)
    for word in remaining:
        if word.startswith(("-", "~")) and not os.path.exists(word):
            overrides.append(word)
            if word in _HYDRA_FLAGS_WITH_VALUE:
                overrides.extend([value] if (value := next(remaining, None)) is not None else [])
        elif _is_override(word, keys):
            overrides.append(word)
        else:
            arguments.append(word)
    return arguments, overrides


def _is_override(word: str, keys: set[str]) -> bool:
    match = OVERRIDE.match(word)
    if match is None:
        return False
    if re.split(r"[./@:]", match[1])[0] in keys:
        return True
    return not (os.path.exists(word) or _reads_as_smiles(word))


def _reads_as_smiles(word: str) -> bool:
    from rdkit import Chem, rdBase

    with rdBase.BlockLogs():
        return Chem.MolFromSmiles(word, sanitize=False) is not None


def _unknown_key(error: Exception, config_name: str, takes_arguments: bool) -> str | None:
    """One line about a key that the config lacks, with the nearest that it has; None for other errors."""
    match = re.match(r"Could not override '([^']+)'", str(error))
    if match is None:
        return None
    member = [word for word in sys.argv[1:] if word.startswith(f"{config_name}=")]  # as sample=images
    with hydra.initialize_config_dir(str(CONFIGS), version_base="1.3"):
        keys = list(_dotted_keys(hydra.compose(config_name, member)))
    nearest = difflib.get_close_matches(match[1], keys, n=1)
    hint = (
        f"did you mean '{nearest[0]}'?"
        if nearest
        else f"the keys are {', '.join(k for k in keys if '.' not in k)}."
    )
    return (
        f"there is no config key '{match[1]}'{', and it is not a SMILES' if takes_arguments else ''}: {hint}"
    )


def _dotted_keys(config: Any, prefix: str = "") -> Iterator[str]:
    for key in config:
        yield f"{prefix}{key}"
        if not OmegaConf.is_missing(config, key) and isinstance(config._get_node(key), DictConfig):
            yield from _dotted_keys(config[key], f"{prefix}{key}.")


def sentence(error: BaseException) -> str:
    """The message of an error on one line; of an error in instantiating an object, that of its cause."""
    if isinstance(error, HydraException) and isinstance(error.__cause__, USER_ERRORS):
        return sentence(error.__cause__)
    if isinstance(error, OverrideParseException):
        key, _, value = error.override.partition("=")
        return f"{error.override} cannot be read; if it is meant as it stands, quote the value: \"{key}='{value}'\""
    words = re.split(r" Config search path:| See https://hydra\.cc", plain_sentence(error))[0]
    missing = error.filename if isinstance(error, FileNotFoundError) else None
    if isinstance(missing, str) and not os.path.isabs(missing) and (CLONE / missing).exists():
        return f"{words}: it is in {CLONE}; run this there, or give the path of the file"
    return words


def _code(error: BaseException) -> int:
    """The exit code of an error, or of that which Hydra wraps; a wrong configuration is a wrong argument."""
    if not isinstance(error, HydraException | OmegaConfBaseException):
        return code_of(error)
    return code_of(error.__cause__) if isinstance(error.__cause__, USER_ERRORS) else WRONG_ARGUMENTS


def stop(message: str, code: int = WRONG_ARGUMENTS) -> NoReturn:
    """Print one line and end with `code`."""
    print(f"{script_name()}: error: {message}", file=sys.stderr)
    raise SystemExit(code)


def script_name() -> str:
    """What the user typed: `train.py`, or `molediff train`."""
    return Path(sys.argv[0]).name


def call(config: DictConfig, **more: Any) -> Any:
    """Call the function that `run` names with all other keys of a config, built, and with `more`; return its answer.

    `threads` is seen to here, and `solver` and `eta` become one solver.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that unfinished files and processes go
    settings: dict[str, Any] = {**instantiate(config, _convert_="all"), **more}
    use_threads(settings.pop("threads", None))
    if "solver" in settings:
        settings["solver"] = with_eta(settings["solver"]["solver"], settings.pop("eta"))
    for key in FUNCTIONS & settings.keys():
        settings[key] = get_method(settings[key])
    run = settings.pop("run")
    check_shapes(run, settings)
    return run(**settings)


def with_eta(solver: Solver | None, eta: float | None) -> Solver | None:
    """The solver with the noise `eta` unless that is None; None stands for the solver of the weights.

    Raises:
        ValueError: the solver has no such noise.
    """
    if eta is None:
        return solver
    if solver is None:
        raise ValueError(f"eta={eta} needs solver=ddim or solver=euler_maruyama")
    if "eta" not in {field.name for field in fields(solver) if field.init}:  # type: ignore[arg-type]
        raise ValueError(
            f"{type(solver).__name__} has no eta (got {eta}): leave eta out, or take solver=ddim or "
            "solver=euler_maruyama"
        )
    return replace(solver, eta=eta)  # type: ignore[type-var]
