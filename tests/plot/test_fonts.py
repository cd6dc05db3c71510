"""Texts from outside: dollars are no mathematics to matplotlib, and letters of no font are boxes, without warnings."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from xbarsim.plot import cell_map, curves, fonts, letter, new_figure, plain, save

pytest.importorskip("matplotlib")

INSTALLED = fonts._installed

ODD = "cost $5 and $6, 漢字 µ"


@pytest.fixture(autouse=True)
def every_warning_is_an_error(monkeypatch):
    # As on a machine without any font but matplotlib's own.
    monkeypatch.setattr(fonts, "_installed", lambda: ())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_letters_of_no_font_are_boxes_and_counted(tmp_path):
    figure = new_figure()
    axes = curves([0.0, 1.0], {"漢 $a$": [0.0, 1.0]}, figure.subplots(), title=ODD, xlabel="字")
    for name in ("a.png", "a.svg", "a.pdf"):
        path = tmp_path / name
        note = f"{path}: 2 letters are in no font that is installed and are drawn as boxes"
        assert save(figure, path) == [note]
    assert (axes.get_title(), axes.get_xlabel()) == (r"cost \$5 and \$6, □□ µ", "□")


def test_dollars_are_no_mathematics(tmp_path):
    figure = new_figure()
    axes = cell_map(np.eye(2), figure.subplots(), title="$x^2$", unit="$")
    assert axes.get_title() == r"\$x^2\$"
    assert axes.title._preprocess_math(axes.get_title()) == ("$x^2$", False)
    assert save(figure, tmp_path / "a.pdf") == []


def test_words_at_ticks_are_boxed_too(tmp_path):
    figure = new_figure()
    axes = figure.subplots()
    axes.set_xticks([0, 1], ["漢", "b"])
    assert letter(figure) == 1
    assert letter(figure) == 1
    save(figure, tmp_path / "a.png")
    assert [text.get_text() for text in axes.get_xticklabels()] == ["□", "b"]


def test_a_text_that_is_set_anew_is_looked_at_anew():
    figure = new_figure()
    title = figure.suptitle("漢")
    assert letter(figure) == 1
    title.set_text(plain("plain again"))
    assert letter(figure) == 0


def test_an_installed_font_is_asked_before_there_are_boxes(monkeypatch, tmp_path):
    monkeypatch.setattr(fonts, "_installed", lambda: ("DejaVu Sans Mono",))
    figure = new_figure()
    # matplotlib's monospaced font has this sign, its usual one has not.
    title = figure.suptitle("\N{ARC}漢")
    assert letter(figure) == 1
    assert title.get_text() == "\N{ARC}□"
    assert title.get_fontfamily()[-1] == "DejaVu Sans Mono"
    assert len(save(figure, tmp_path / "a.png")) == 1


def test_a_font_that_came_after_matplotlibs_list_was_written_is_seen(monkeypatch, tmp_path):
    from matplotlib import font_manager

    path = font_manager.findfont("DejaVu Sans Mono")
    older = [font for font in font_manager.fontManager.ttflist if font.name != "DejaVu Sans Mono"]
    (tmp_path / "torn.ttf").write_bytes(b"no font")
    monkeypatch.setattr(font_manager.fontManager, "ttflist", older)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(tmp_path / "torn.ttf"), path])
    monkeypatch.setattr(fonts, "_FALLBACKS", ("DejaVu Sans Mono", "another"))
    assert "DejaVu Sans Mono" not in font_manager.get_font_names()
    INSTALLED.cache_clear()
    assert INSTALLED() == ("DejaVu Sans Mono",)
    INSTALLED.cache_clear()


def test_a_font_that_went_after_matplotlibs_list_was_written_is_not_asked(monkeypatch, tmp_path):
    from matplotlib import font_manager

    style = {"style": "normal", "variant": "normal", "weight": 400, "stretch": "normal", "size": "scalable"}
    removed = font_manager.FontEntry(fname=str(tmp_path / "removed.ttf"), name="Removed Sans", **style)
    listed = [*font_manager.fontManager.ttflist, removed]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", listed)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda **_: [])
    monkeypatch.setattr(fonts, "_FALLBACKS", ("Removed Sans", "DejaVu Sans Mono"))
    INSTALLED.cache_clear()
    monkeypatch.setattr(fonts, "_installed", INSTALLED)
    figure = new_figure()
    title = figure.suptitle("\N{ARC}漢")
    assert len(save(figure, tmp_path / "a.png")) == 1
    assert title.get_text() == "\N{ARC}□"
    assert INSTALLED() == ("DejaVu Sans Mono",)
    INSTALLED.cache_clear()
