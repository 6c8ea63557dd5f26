"""The one thing of the build that pyproject.toml cannot say: configs/ goes into the package."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CONFIGS = Path("configs")


class BuildWithConfigs(build_py):
    """Copies configs/ to molediff/configs of what is built; an editable install reads them where they are."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            shutil.copytree(CONFIGS, self._goal, dirs_exist_ok=True)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        files = [] if self.editable_mode else config_files()
        built = [str(self._goal / path.relative_to(CONFIGS)) for path in files]
        return [*super().get_outputs(include_bytecode), *built]

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), *map(str, config_files())]

    @property
    def _goal(self) -> Path:
        return Path(self.build_lib, "molediff", "configs")


def config_files() -> list[Path]:
    return sorted(CONFIGS.rglob("*.yaml"))


setup(cmdclass={"build_py": BuildWithConfigs})
