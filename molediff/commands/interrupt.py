"""Ctrl-C or a missing extra while Python still imports: one line. To be imported before everything that takes long."""

import sys
from pathlib import Path
from types import TracebackType

from molediff.runtime.extras import explain


def _one_line(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        print(f"{Path(sys.argv[0]).name}: interrupted", file=sys.stderr)
    elif missing := explain(error):
        print(f"{Path(sys.argv[0]).name}: {missing}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _one_line
