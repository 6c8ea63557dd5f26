"""Numbers in sentences: one way to say how many."""

from __future__ import annotations


def counted(number: int, word: str, plural: str | None = None) -> str:
    """A number and what is counted, such as "1 molecule" or "2,500 molecules".

    Args:
        number: how many.
        word: of one of them.
        plural: of several; None: with an s.

    Example:
        >>> counted(1, "molecule"), counted(0, "more atom"), counted(2500, "entry", "entries")
        ('1 molecule', '0 more atoms', '2,500 entries')
    """
    return f"{number:,} {word if number == 1 else plural or f'{word}s'}"
