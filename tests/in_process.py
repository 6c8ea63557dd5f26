"""A script run in this process, as a user types it: a process of its own costs seconds of imports."""

import os
import runpy
import signal
import sys
from pathlib import Path
from unittest import mock

from places import SCRIPTS


def run_script(script: str | Path, *words: object, folder: Path, **environment: str) -> int:
    """Run a file of scripts/, or another one, with these words in a folder; return its exit code.

    An error that is not the user's is raised.
    """
    here, handler, path = os.getcwd(), signal.getsignal(signal.SIGTERM), SCRIPTS / script
    os.chdir(folder)
    try:
        with (
            mock.patch.object(sys, "argv", [str(path), *map(str, words)]),
            mock.patch.object(sys, "path", [str(SCRIPTS), *sys.path]),
            mock.patch.dict(os.environ, {"HYDRA_FULL_ERROR": "0", **environment}),
        ):
            runpy.run_path(str(path), run_name="__main__")
    except SystemExit as stop:
        return int(stop.code or 0)
    finally:
        os.chdir(here)
        signal.signal(signal.SIGTERM, handler)
    return 0
