"""Tables as plain text, for a terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from molediff.runtime.words import counted

_GAP = "  "


def text_table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    units: Sequence[str] = (),
    groups: Sequence[str] = (),
    num_names: int = 1,
) -> str:
    """Columns as wide as their widest entry, with a line between the head and the rows.

    Args:
        head: title of each column.
        rows: as many entries each; they name their row first, to the left, and go on with numbers, to the right.
        units: of each column, in a line below the titles; none if empty.
        groups: of each column, in a line above the titles: a group stands once, above its first column.
        num_names: columns at the left that name the row.

    Raises:
        ValueError: a line has another number of entries than the head.
    """
    lines = [list(head), *([list(units)] if units else []), *map(list, rows)]
    for line in [*lines, *([groups] if groups else [])]:
        if len(line) != len(head):
            raise ValueError(
                f"a line of a table of {counted(len(head), 'column')} has "
                f"{counted(len(line), 'entry', 'entries')}: {list(line)}"
            )
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = [_line(line, widths, num_names) for line in lines]
    above = [_group_line(groups, widths)] if groups else []
    texts.insert(2 if units else 1, "-" * max(map(len, [*above, *texts])))
    return "\n".join([*above, *texts])


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose first column names the row; the others are numbers, to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int], num_names: int) -> str:
    padded = [
        cell.ljust(width) if place < num_names else cell.rjust(width)
        for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return _GAP.join(padded).rstrip()


def _group_line(groups: Sequence[str], widths: Sequence[int]) -> str:
    """Names of the groups, each above its first column and running on over those that follow."""
    line, start, previous = "", 0, ""
    for group, width in zip(groups, widths, strict=True):
        if group and group != previous:
            line = line.ljust(start) + group
        start, previous = start + width + len(_GAP), group
    return line
