"""What a run found, as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
from html import escape

from xbarsim.validate.outcome import Outcome
from xbarsim.validate.report import GROUP_HEAD, HOW, ROW_HEAD, group_cells, listed_rows, notes, row_cells

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; max-width: 92rem; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.6rem; margin-bottom: 0.2rem; }
h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p { max-width: 60rem; }
.how, .facts { color: #57606a; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.85rem; }
th { text-align: left; border-bottom: 2px solid #1b1f24; }
th, td { padding: 0.25rem 0.8rem 0.25rem 0; vertical-align: top; white-space: nowrap; }
td { border-bottom: 1px solid #d8dee4; }
td.number, th.number { text-align: right; }
tr.failed td { background: #ffebe9; }
td.why { white-space: normal; }
img { max-width: 100%; }
"""
_TEXT = {"cells", "against", "worst circuit", "circuit", "xbarsim", "other", ""}


def page(outcome: Outcome, picture: bytes | None) -> str:
    """Return the page; the picture (PNG) becomes a part of it.

    Parameters
    ----------
    outcome : Outcome
        What the run found.
    picture : bytes or None
        A PNG.
    """
    facts = ", ".join(f"{name} {value}" for name, value in outcome.facts)
    how = "".join(f"<code>{escape(part)}</code>" if k % 2 else escape(part) for k, part in enumerate(HOW.split("`")))
    body = [
        "<h1>xbarsim: validation</h1>",
        f"<p>{escape(outcome.sentence())}</p>",
        f'<p class="facts">Run: {escape(outcome.scope)}, {outcome.seconds:.0f} s. {escape(facts)}.</p>',
        _table(GROUP_HEAD, group_cells(outcome), [group.failed > 0 for group in outcome.groups()]),
        f'<p class="how">{how}</p>',
    ]
    if picture is not None:
        data = base64.b64encode(picture).decode()
        body.append(f'<img alt="Largest differences by size" src="data:image/png;base64,{data}">')
    listed = notes(outcome)
    if listed:
        items = "".join(f"<li>{escape(title)}: {escape(text)}</li>" for title, text in listed)
        body.append(f"<h2>Failed or left out</h2><ul>{items}</ul>")
    rows = listed_rows(outcome)
    cells = [[cell.strip("*") for cell in row_cells(row)] for row in rows]
    body += ["<h2>Every comparison</h2>", _table(ROW_HEAD, cells, [row.failed for row in rows])]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>xbarsim: validation</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def _table(head: tuple[str, ...], rows: list[list[str]], failed: list[bool]) -> str:
    kinds = [' class="why"' if not name else "" if name in _TEXT else ' class="number"' for name in head]
    top = "".join(f"<th{kind}>{escape(name)}</th>" for name, kind in zip(head, kinds, strict=True))
    lines, marked = [], ' class="failed"'
    for row, bad in zip(rows, failed, strict=True):
        cells = "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(row, kinds, strict=True))
        lines.append(f"<tr{marked if bad else ''}>{cells}</tr>")
    joined = "\n".join(lines)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>\n{joined}\n</tbody></table></div>'
