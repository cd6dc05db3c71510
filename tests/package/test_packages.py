"""What is installed: every folder of the package is in the list that setuptools is given."""

import tomllib

from cli_tools import ROOT


def test_every_folder_is_installed():
    """A folder that the list has not is there in a checkout alone."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]
    parts = {"xbarsim", "kernels", "spice_models"}
    files = [path for part in parts for path in (ROOT / part).rglob("__init__.py")]
    folders = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in files}
    inside = {name if name.startswith("xbarsim") else f"xbarsim.{name}" for name in folders}
    assert sorted(listed) == sorted(inside)
