"""A picture is as wide as is asked for, or refused: its words neither leave it nor lie over each other."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from cli_tools import call

from xbarsim.errors import InputError
from xbarsim.plot import curves, new_figure, save

pytest.importorskip("matplotlib")

SWEEP = "a sweep\nV1 a 0 1\nR1 a b 1k\nV2 b 0 0.5\n.dc V1 0 1 0.25\n"


def picture(**options):
    figure = new_figure(**options)
    curves([0.0, 1.0, 2.0], {"a": [0.0, 1.0, 4.0]}, figure.subplots(), title="a title", xlabel="x", ylabel="y")
    return figure


@pytest.mark.parametrize("width", [60.0, 127.0, 300.0])
def test_a_file_is_as_wide_as_is_asked_for(tmp_path, width):
    from matplotlib.image import imread

    for suffix, per_mm in ((".png", 150 / 25.4), (".svg", 72 / 25.4), (".pdf", 72 / 25.4)):
        path = tmp_path / f"a{suffix}"
        assert save(picture(figsize=(6.0, 4.5)), path, width=width) == []
        if suffix == ".png":
            height, across = imread(path).shape[:2]
        else:
            box = re.search(rb'(?:MediaBox \[|viewBox=") ?0 0 ([\d.]+) ([\d.]+)', path.read_bytes())
            across, height = map(float, box.groups())
        assert across == pytest.approx(width * per_mm, abs=1.0)
        assert height == pytest.approx(0.75 * across, abs=1.5), "proportions stay"


def test_letters_keep_their_points(tmp_path):
    figure = picture(figsize=(6.0, 4.5))
    before = figure.axes[0].title.get_fontsize()
    save(figure, tmp_path / "a.png", width=80.0)
    assert figure.axes[0].title.get_fontsize() == before


@pytest.mark.parametrize("width", [0.0, -80.0, np.nan, np.inf, 19.9, 2001.0])
def test_a_width_that_is_none_is_refused(tmp_path, width):
    with pytest.raises(InputError, match=re.escape(f"width is {width:g} mm: it must be 20 to 2000 mm")):
        save(picture(), tmp_path / "a.png", width=width)
    assert list(tmp_path.iterdir()) == []


def panels(count):
    figure = new_figure(figsize=(6.0, 3.0))
    for axes in np.atleast_1d(figure.subplots(1, count)):
        axes.set(title="a title of a panel", ylabel="one label")
    return figure


@pytest.mark.parametrize(("count", "widths"), [(1, (200.0, 100.0, 50.0)), (4, (400.0, 300.0))])
def test_where_there_is_room_words_do_not_meet(tmp_path, count, widths):
    for width in widths:
        figure = panels(count)
        save(figure, tmp_path / "a.png", width=width)
        figure.draw_without_rendering()  # the file had other dots an inch
        boxes = [axes.title.get_window_extent() for axes in figure.axes]
        most = 0.05 * figure.dpi  # a text's box has space around its letters
        assert all(left.x1 < right.x0 + most for left, right in pairwise(boxes))
        assert boxes[0].x0 > -most
        assert boxes[-1].x1 < figure.bbox.x1 + most


@pytest.mark.parametrize(("count", "widths"), [(1, (30.0, 20.0)), (4, (150.0, 85.0, 40.0))])
def test_where_words_would_lie_over_each_other_it_is_refused(tmp_path, count, widths):
    for width in widths:
        text = f"a picture of {width:g} mm has no room for its titles and labels: make it wider"
        with pytest.raises(InputError, match=text):
            save(panels(count), tmp_path / "a.png", width=width)
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_passes_it_on(capsys, tmp_path):
    from matplotlib.image import imread

    (tmp_path / "a.sp").write_text(SWEEP)
    options = ("solve", "--netlist", tmp_path / "a.sp", "-q")
    answer = call(capsys, *options, "--plot", tmp_path / "a.png", "--plot-width", "85")
    assert (answer.code, answer.err) == (0, "")
    assert imread(tmp_path / "a.png").shape[1] == pytest.approx(85 / 25.4 * 150, abs=1.0)
    answer = call(capsys, *options, "--plot", tmp_path / "b.png", "--plot-width", "21")
    assert answer.code == 2
    assert answer.err == "xbarsim: a picture of 21 mm has no room for its titles and labels: make it wider\n"
    assert answer.out.count("\n") == 5, "the numbers are whole"
    assert not (tmp_path / "b.png").exists()
