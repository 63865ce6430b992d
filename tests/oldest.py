"""`python tests/oldest.py` prints constraints for pip: of each package the lowest version that we allow."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

_LOWER = re.compile(r"(?P<name>[\w.-]+)(?:\[[^]]*\])? *>= *(?P<version>[\w.]+)(?P<more>[^;]*)(?P<marker>;.*)?")


def constraints(pyproject: Path) -> Iterator[str]:
    """One line for each package with a lower bound."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    for requirement in dict.fromkeys(chain(project["dependencies"], *extras)):
        if bound := _LOWER.fullmatch(requirement):
            yield f"{bound['name']}=={bound['version']}{bound['marker'] or ''}"


if __name__ == "__main__":
    print(*constraints(Path(__file__).parents[1] / "pyproject.toml"), sep="\n")
