"""The check of a built site's links: what leads nowhere is named, what leads out of the site is not followed."""

import subprocess
import sys

from cli_tools import ROOT

PAGE = """<html><body><h1 id="top">A</h1><a name="old"></a><a href="#top">1</a><a href="#old">2</a><a href="#gone">3</a>
<a href="b%20c.html#x">4</a><a href="b%20c.html#y">5</a><a href="none.html">6</a><a href="https://example.org/z">7</a>
<img src="p.png"><img src="q.png"><a href="mailto:a@example.org">8</a></body></html>"""


def checked(folder):
    program = [sys.executable, ROOT / "docs" / "_ext" / "check_links.py", folder]
    return subprocess.run(program, capture_output=True, text=True, check=False)


def test_what_leads_nowhere_is_named(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.html").write_text(PAGE)
    (tmp_path / "sub" / "b c.html").write_text('<p id="x">')
    (tmp_path / "sub" / "p.png").touch()
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "template.html").write_text('<a href="none">')
    answer = checked(tmp_path)
    assert answer.returncode == 1, answer.stderr
    assert answer.stdout.splitlines() == [
        "sub/a.html: <a> #gone: no such place",
        "sub/a.html: <a> b%20c.html#y: no such place",
        "sub/a.html: <a> none.html: no such file",
        "sub/a.html: <img> q.png: no such file",
    ]


def test_a_site_without_dead_links_passes(tmp_path):
    (tmp_path / "a.html").write_text('<a id="here" href="a.html#here">')
    answer = checked(tmp_path)
    assert (answer.returncode, answer.stdout) == (0, "")
