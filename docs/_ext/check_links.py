"""Every link and picture of a built site leads to a file of it, and every anchor to a place on its page.

``python docs/_ext/check_links.py docs/_build/html``
"""

from __future__ import annotations

import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ADDRESSES = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "src", "object": "data"}


class Page(HTMLParser):
    """What a page links to, and where it can be linked to.

    Attributes
    ----------
    links : list of (str, str)
        Elements and their addresses.
    places : set of str
        Anchors.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element's address and anchors."""
        values = dict(attrs)
        self.places.update(values[name] or "" for name in ("id", "name") if name in values)
        address = values.get(ADDRESSES.get(tag, ""))
        if address:
            self.links.append((tag, address))


@cache
def page_of(path: Path) -> Page:
    """Return a page, which is read once."""
    return Page(path.read_text("utf-8"))


def dead_links(site: Path) -> list[str]:
    """Return a line for each link that leads nowhere inside a site; links out of it are not followed."""
    site = site.resolve()
    dead = []
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site)
        if name.parts[0] == "_static":  # a theme's templates
            continue
        for tag, address in page_of(path).links:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = unquote(parts.fragment)
            if not target.is_file():
                dead.append(f"{name}: <{tag}> {address}: no such file")
            elif place and target.suffix == ".html" and place not in page_of(target).places:
                dead.append(f"{name}: <{tag}> {address}: no such place")
    return dead


if __name__ == "__main__":
    lines = dead_links(Path(sys.argv[1]))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.exit(bool(lines))
