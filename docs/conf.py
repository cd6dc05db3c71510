"""The documentation site: the Markdown pages of docs/ and validation/, an API reference out of docstrings, a gallery.

Built by ``make docs``, from the root of the repository, so that links between pages and to files are the same on a
forge and in the site. Nothing is fetched, neither while it is built nor by a reader's browser.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]

project = "xbarsim"
author = "The xbarsim developers"
copyright = author
version = release = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.M)[1]

root_doc = "docs/index"
include_patterns = [
    "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**.md", "docs/gallery/*.rst", "examples/*.ipynb",
    "validation/**.md",
]  # fmt: skip
exclude_patterns = [
    ".*", "build", "dist", "docs/_build", "docs/_site", "docs/_static", "kernels", "spice_models", "tests", "xbarsim",
    "**/__pycache__", "*.egg-info",
]  # fmt: skip

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "api_reference",
    "command_reference",
    "repository_pages",
    "setting_reference",
]

highlight_language = "text"
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
# Notebooks run without what the reader's own profile has, and say nothing of how their kernel is reached.
PROFILE = ROOT / "docs" / "_build" / "ipython" / "profile_default"
PROFILE.mkdir(parents=True, exist_ok=True)
PROFILE.joinpath("ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 'ERROR'\n", "utf-8")
os.environ["IPYTHONDIR"] = str(PROFILE.parent)
nb_execution_mode = "force"  # a cache goes by the notebook alone, not by the code that it calls
nb_execution_timeout = 600
nb_execution_raise_on_error = True

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # numpy's docstrings say types, shapes and units
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

LONG = ("five_methods", "training")
"""Words in the names of examples that take a minute: they are shown, and not run."""

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "docs/gallery",
    "filename_pattern": rf"^(?!.*({'|'.join(LONG)})).*\.py$",
    "doc_module": ("xbarsim",),
    "reference_url": {"xbarsim": None},
    "backreferences_dir": "docs/gallery/backreferences",
    "download_all_examples": False,
    "show_memory": False,
    "remove_config_comments": True,
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"xbarsim {version}"
html_extra_path = ["_site"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "navigation_with_keys": False, "secondary_sidebar_items": ["page-toc"], "show_nav_level": 1,
    "header_links_before_dropdown": 7,
}  # fmt: skip
