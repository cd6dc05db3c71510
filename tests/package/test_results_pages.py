"""Pages of results say where they come from, and are known to be stale when the code that they measure changes."""

from __future__ import annotations

import subprocess

import provenance
import pytest
import stale

PAGES = sorted(provenance.RESULTS.rglob("*.md"))
MOVED = "from a import c\n\n\ndef f(x: int) -> int:\n    # Why.\n    return x + 1\n\n\ndef g() -> None:\n    f(2)\n"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(provenance.RESULTS)))
def test_every_page_has_its_origin_under_its_title(path):
    text = path.read_text("utf-8")
    title, _, body = text.partition("\n")
    assert text == provenance.with_origin(f"{title}\n{body.split(chr(10), 3)[3]}", provenance.origin_of(text))


def test_every_page_is_told_what_it_measures():
    assert {path.relative_to(provenance.RESULTS).as_posix() for path in PAGES} == set(stale.SUBJECTS)
    for folder in {folder for folders in stale.SUBJECTS.values() for folder in folders}:
        assert (provenance.ROOT / folder).is_dir(), folder


def test_a_page_without_an_origin_is_refused():
    with pytest.raises(ValueError, match="no line 'Measured on"):
        provenance.origin_of("# Title\n\n| a | b |\n")


def test_this_machine_and_code_are_an_origin():
    if provenance.git("rev-parse", "HEAD") is None:
        pytest.skip("not in a clone")
    page = provenance.with_origin("# Title\n\nText.\n", provenance.current_origin())
    assert provenance.origin_of(page) == provenance.current_origin()
    assert provenance.git("rev-parse", "HEAD").startswith(provenance.commit_of(provenance.origin_of(page)))
    assert page.endswith(".\n\nText.\n")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Return a function that writes files (or removes them: None), commits them and returns the commit."""
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert provenance.git("init", "-q") is not None

    def commit(files: dict[str, str | None]) -> str:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink() if text is None else path.write_text(text)
        provenance.git("add", "-A")
        author = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        assert provenance.git(*author, "commit", "-qm", "files") is not None
        stale._file.cache_clear()
        return provenance.git("rev-parse", "--short", "HEAD")

    yield commit
    stale._file.cache_clear()


def page(commit: str) -> str:
    return f"# Title\n\nMeasured on 2026-01-02 at commit `{commit}`: a machine; versions.\n\n| a |\n"


def test_statements_count_and_comments_imports_and_folders_do_not(repository):
    first = repository({"kernels/schur.py": "A = 1\n", "xbarsim/solver.py": MOVED, "xbarsim/nn/layers.py": "B = 1\n"})
    assert stale.verdict("speed.md", page(first)) == (f"up to date, measured at {first}", 0)
    tidied = MOVED.replace("from a import c\n", '"""Words."""\n\nfrom d import c\n').replace("Why", "How")
    repository({"xbarsim/solver.py": None, "xbarsim/solvers/solve.py": tidied, "xbarsim/solvers/__init__.py": ""})
    repository({"kernels/schur.py": "A = 1  # one\n"})
    assert stale.changes(first, stale.ARRAYS) == []
    repository({"xbarsim/nn/layers.py": "B = 2\n"})
    assert stale.changes(first, stale.ARRAYS) == []
    assert stale.changes(first, stale.NETWORKS) == ["xbarsim/nn/layers.py"]
    repository({"kernels/schur.py": "A = 2\n", "xbarsim/solvers/solve.py": tidied.replace("+ 1", "+ 2")})
    sentence, code = stale.verdict("speed.md", page(first))
    assert code == 1
    assert "files changed since: 2, 1 of them kernels, commits: 3;" in sentence
    assert sentence.endswith("kernels/schur.py, xbarsim/solvers/solve.py")
    repository({"kernels/schur.py": "A = 1\n", "xbarsim/solvers/solve.py": tidied})
    assert stale.changes(first, stale.ARRAYS) == [], "what was taken back is no change"


def test_a_commit_that_is_not_here_is_said_to_be_missing(repository, tmp_path, monkeypatch):
    first = repository({"kernels/schur.py": "A = 1\n"})
    repository({"kernels/schur.py": "A = 2\n"})
    sentence, code = stale.verdict("speed.md", page("0123abc"))
    assert code == 2
    assert "cannot say: commit 0123abc is not here" in sentence
    subprocess.run(["git", "clone", "-q", "--depth", "1", f"file://{tmp_path}", tmp_path / "shallow"], check=True)
    monkeypatch.setattr(provenance, "ROOT", tmp_path / "shallow")
    assert stale.verdict("speed.md", page(first))[1] == 2
