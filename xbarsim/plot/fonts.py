"""Letters that matplotlib's own font lacks: from a font that is installed and has them, or drawn as boxes."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from matplotlib.artist import Artist

_FALLBACKS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans CJK TC", "Source Han Sans SC",
    "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback", "SimHei", "Microsoft YaHei", "PingFang SC",
    "Hiragino Sans", "Yu Gothic", "MS Gothic", "IPAexGothic", "IPAGothic", "Malgun Gothic", "Apple SD Gothic Neo",
    "NanumGothic", "Noto Serif CJK SC", "Noto Serif CJK JP", "SimSun", "AR PL UMing CN", "Arial Unicode MS", "Unifont",
)  # fmt: skip

_BOX = "□"

_BOXES: WeakKeyDictionary[Any, tuple[str, frozenset[str]]] = WeakKeyDictionary()
"""Of each text with boxes: how it reads, and what the boxes stand for."""


def letter(artist: Artist) -> int:
    """Give all texts of a figure or an axis fonts that have their letters; those that no font has become boxes.

    Parameters
    ----------
    artist : Figure, Axes or other artist
        Whose texts are looked at.

    Returns
    -------
    int
        How many different letters are boxes, also since an earlier call.
    """
    from matplotlib.axes import Axes
    from matplotlib.text import Text

    missing: set[str] = set()
    for axes in artist.findobj(Axes):
        for axis in (axes.xaxis, axes.yaxis):
            missing |= _letter_ticks(axis)
    for text in artist.findobj(Text):
        missing |= _letter_text(text)
    return len(missing)


def _letter_text(text: Any) -> set[str]:
    """Give one text its fonts; return the letters that became boxes."""
    words: str = text.get_text()
    if words.isascii():
        return set()
    before = _BOXES.get(text, (words, frozenset[str]()))
    families = tuple(text.get_fontfamily())
    lacking = {sign for sign in words if not sign.isascii() and ord(sign) not in _signs(families, True)}
    more = tuple(name for name in _installed() if name not in families) if lacking else ()
    if more:
        text.set_fontfamily([*families, *more])
        lacking = {sign for sign in lacking if not any(ord(sign) in _signs((name,), False) for name in more)}
    if lacking:
        text.set_text(_boxed(words, lacking))
        _BOXES[text] = text.get_text(), frozenset(lacking)
        return lacking
    return set(before[1]) if before[0] == words else set()


def _letter_ticks(axis: Any) -> set[str]:
    """Do the same to words at ticks, which are written anew whenever an axis is drawn."""
    from matplotlib.ticker import FuncFormatter

    lacking: set[str] = set()
    for text in axis.get_ticklabels():
        lacking |= _letter_text(text)
    words = axis.get_major_formatter()
    if lacking and not hasattr(words, "xbarsim_boxes"):
        boxes = FuncFormatter(lambda value, place: _boxed(words(value, place), lacking))
        boxes.xbarsim_boxes = True  # type: ignore[attr-defined]
        axis.set_major_formatter(boxes)
    return lacking


def _boxed(words: str, lacking: set[str]) -> str:
    return "".join(_BOX if sign in lacking else sign for sign in words)


@cache
def _installed() -> tuple[str, ...]:
    """Return which of the fonts with more letters are there."""
    if set(_FALLBACKS).isdisjoint(_on_disk()):
        _take_in_new_fonts()
    names = _on_disk()
    return tuple(name for name in _FALLBACKS if name in names)


def _on_disk() -> set[str]:
    """Return the names of the fonts that matplotlib lists and whose files are still there.

    Its list is a cache on disk: fonts removed since stand in it until one of them is asked for.
    """
    from matplotlib.font_manager import fontManager

    return {font.name for font in fontManager.ttflist if Path(font.fname).exists()}


def _take_in_new_fonts() -> None:
    """Tell matplotlib of fonts that came after it listed them, which it does once, in its cache."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    for path in sorted(set(findSystemFonts()) - {font.fname for font in fontManager.ttflist}):
        with suppress(Exception):  # whatever a file has that cannot be read: it is no font for us
            fontManager.addfont(path)


@cache
def _signs(families: tuple[str, ...], is_first: bool) -> frozenset[int]:
    """Return the code points of the font that families lead to; matplotlib's own where none is there but ``is_first``.

    Whatever else stands in a text's list of families is not asked: their letters are drawn all the same.
    """
    from matplotlib.font_manager import FontProperties, findfont, get_font

    path = findfont(FontProperties(family=list(families)), fallback_to_default=is_first)
    return frozenset(get_font(path).get_charmap())
