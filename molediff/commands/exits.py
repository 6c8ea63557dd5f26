"""How a command ends: its exit codes, and the one line for a person in place of a traceback."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator

from molediff.runtime.interrupts import Terminated

OK = 0
FAILED = 1
"""What no other code says: a full disk, a process that died, a bug."""
WRONG_ARGUMENTS = 2
NOT_INSTALLED = 3
NO_DEVICE = 4
BAD_WEIGHTS = 5
SOME_FAILED = 6
"""Of the inputs; all results are written."""
NONE_SUCCEEDED = 7
INTERRUPTED = 130
"""By Ctrl-C, as the shell counts it: 128 and the number of the signal."""
TERMINATED = 143
CLOSED_PIPE = 141
"""What reads our standard output has enough, as `head`."""

MEANINGS = {
    OK: "all right",
    FAILED: "something else went wrong, such as a full disk",
    WRONG_ARGUMENTS: "wrong arguments: an option, a file or a setting",
    NOT_INSTALLED: "something that is needed is not installed",
    NO_DEVICE: "there is no such device",
    BAD_WEIGHTS: "the weights cannot be read, or are of something else",
    SOME_FAILED: "some inputs failed; all results are written",
    NONE_SUCCEEDED: "no input succeeded",
    INTERRUPTED: "interrupted; complete records are kept",
}

_OF_THE_USER = (
    errno.ENOENT,
    errno.EACCES,
    errno.EPERM,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EROFS,
)
_ALSO_OF_THE_USER = (errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP)


def code_of(error: BaseException) -> int:
    """The exit code for an error; `FAILED` for what no user can have meant, such as a bug."""
    for one in _chain(error):
        if isinstance(one, KeyboardInterrupt):
            return TERMINATED if isinstance(one, Terminated) else INTERRUPTED
        if isinstance(one, ImportError) and not str(one.name).startswith("molediff"):
            return NOT_INSTALLED
        if _is(one, "molediff.runtime.checks", "DeviceError"):
            return NO_DEVICE
        if _is(one, "molediff.networks.weights", "WeightsError"):
            return BAD_WEIGHTS
        if _is(one, "molediff.evaluation.conformers.run", "NoConformerError"):
            return NONE_SUCCEEDED
    if isinstance(error, OSError) and error.errno is not None:
        return WRONG_ARGUMENTS if error.errno in _OF_THE_USER + _ALSO_OF_THE_USER else FAILED
    return WRONG_ARGUMENTS if isinstance(error, ValueError | OSError) else FAILED


def sentence(error: BaseException) -> str:
    """What to tell the person, on one line."""
    from molediff.runtime.extras import explain

    if missing := explain(error):
        return missing
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.strerror}: {error.filename}"
    if isinstance(error, MemoryError):
        return "out of memory: try fewer conformers, a smaller --batch-atoms or fewer --workers"
    words = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, ValueError | OSError | ImportError):
        return words
    return f"{words} ({type(error).__name__}): --debug shows where; if it looks like a bug, please report it"


def _is(error: BaseException, module: str, kind: str) -> bool:
    """Whether an error is of a kind whose module, which takes seconds, need not be loaded to know that it is not."""
    return module in sys.modules and isinstance(error, getattr(sys.modules[module], kind))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
