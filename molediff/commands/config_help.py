"""What `--help` prints: the keys of a script with the comments that explain them, as they stand in configs/."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from molediff.commands import CONFIGS

FUNCTIONS = {"run", "build", "train"}
"""Keys that name what a config is given to; of group `benchmark`, no others are called so."""

_HIDDEN = re.compile(r"(defaults|hydra|run|build):|train: molediff|# @package")
_GROUP = re.compile(r"\s+- (?:override )?/?(\w+): (\w+)")
_QUOTING = """Names of files and folders may hold any character; quote them for the shell alone: 'output=a [1] #2.sdf'.
Other values with spaces or one of # = , : [ ] { } ( ) are quoted twice: "key='a, b'". A list: 'key=[1,2]'.
Settings can name code to run (SECURITY.md): take command lines and configs only from people you trust."""


def help_text(config_name: str, words: Sequence[str], purpose: str, takes_arguments: bool) -> str:
    """The help of a script.

    Args:
        config_name: file in configs/, without .yaml.
        words: of the command line; `group=member` chooses whose keys are shown.
        purpose: what the script does.
        takes_arguments: whether words that are not key=value mean something.
    """
    chosen = dict(word.split("=", 1) for word in words if "=" in word)
    main = CONFIGS / f"{config_name}.yaml"
    parts, groups = [_keys(main)], []
    files = [main]
    for file in files:  # it grows: a member of a group may name groups
        for group, usual in _GROUP.findall(file.read_text(encoding="utf-8")):
            member = CONFIGS / group / f"{chosen.get(group, usual)}.yaml"
            members = sorted(path.stem for path in (CONFIGS / group).glob("*.yaml"))
            if not members:
                continue
            groups.append(f"  {group}={chosen.get(group, usual)}  of {', '.join(members)}")
            if member.is_file():
                files.append(member)
                parts.append(_member_keys(member, group))
    name = Path(sys.argv[0]).name
    program = f"python scripts/{name}" if name.endswith(".py") else name
    usage = f"{program}{' [MOLECULE ...]' if takes_arguments else ''} [key=value ...]"
    chapters = [f"{purpose}\n\nUsage: {usage}", *parts, _QUOTING]
    if groups:
        chapters.insert(1, "Choices, each with keys of its own:\n" + "\n".join(groups))
    return "\n\n".join(filter(None, chapters))


def _member_keys(file: Path, group: str) -> str:
    keys = _keys(file)
    is_global = "# @package _global_" in file.read_text(encoding="utf-8")
    return keys if is_global or not keys else f"Of {group}={file.stem}, written {group}.KEY=value:\n{keys}"


def _keys(file: Path) -> str:
    """The lines of a config without what is not the user's."""
    lines, hidden = [], False
    for line in file.read_text(encoding="utf-8").splitlines():
        if line[:1] not in (" ", "\t"):
            hidden = bool(_HIDDEN.match(line))
        if not hidden:
            lines.append(line)
    return re.sub(r"\n{2,}", "\n", "\n".join(lines)).strip()
