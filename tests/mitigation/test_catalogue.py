"""Methods by name: options, chains, shorthands, packages' and one's own methods."""

from dataclasses import dataclass, fields
from types import SimpleNamespace
from typing import ClassVar

import pytest

from xbarsim.errors import InputError
from xbarsim.mitigation import Method, catalogue, chain, method, methods, packaged_methods, register
from xbarsim.mitigation.catalogue import shorthands
from xbarsim.mitigation.headroom import Headroom


@dataclass(frozen=True)
class Mirror(Method):
    """A method of somebody else, with an option of each kind."""

    name: ClassVar[str] = "mirror"
    paper: ClassVar[str] = "by hand"
    about: ClassVar[str] = "do nothing"

    share: float = 0.5
    kind: str = "left"
    counts: tuple[int, ...] = (1, 2)
    on: bool = False
    limit: int | None = 3

    def apply(self, plan, bench):
        return plan


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setattr(catalogue, "_registered", {})
    return register(Mirror)


@pytest.fixture
def packages(monkeypatch):
    """Entry points, as installed packages would have them."""
    entries = []
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: entries if group == "xbarsim.methods" else [])
    packaged_methods.packaged_methods.cache_clear()
    yield entries
    packaged_methods.packaged_methods.cache_clear()


def entry(name, load):
    return SimpleNamespace(name=name, value="theirs:Method", dist=SimpleNamespace(name="theirs"), load=load)


@pytest.mark.parametrize("name", [*methods(), *shorthands()])
def test_every_method_says_what_it_is_and_its_label_asks_for_it(name):
    steps = chain(name).steps
    for step in steps:
        kind = methods()[step.name]
        assert isinstance(step, kind)
        assert step.paper
        assert step.about
        assert "\n" not in step.about
        assert kind.__doc__
        assert step.options().keys() == {option.name for option in fields(kind)}
    label = "+".join(step.label for step in steps)
    assert chain(label).steps == steps
    assert chain(label).label == label


def test_names_are_alone():
    names = [kind.name for kind in catalogue._METHODS]
    assert len({*names, *shorthands()}) == len(names) + len(shorthands())
    assert names[0] == "none"


def test_options_are_read_as_what_they_are(mirror):
    step = chain("mirror:share=250m,kind=right,counts=3/4/1e1,on=true,limit=null").steps[0]
    assert step == Mirror(0.25, "right", (3, 4, 10.0), True, None)
    assert step.label == "mirror:share=0.25,kind=right,counts=3/4/10,on=true,limit=null"
    assert chain(step.label).steps == (step,)
    assert chain(" mirror : kind = right ").steps == (Mirror(kind="right"),)
    assert chain("mirror:share=0.5").label == "mirror", "a default is not in the label"


def test_counts_may_have_scales_and_exponents(mirror):
    assert chain("mirror:counts=1k/1e3/1e+3/2.5").steps[0].counts == (1000, 1000, 1000, 2.5)
    assert chain("match-rows:spare=1e1").spare_rows == (10, "layer")
    assert chain("headroom:h=1e+3+mirror").steps == (Headroom(1e3), Mirror())
    assert chain("headroom:h=1.e+3 + mirror").steps == (Headroom(1e3), Mirror())
    huge = chain("headroom:h=1e22")
    assert chain(huge.label).steps == huge.steps


def test_chains_are_steps_in_their_order(mirror):
    row = chain("mirror:on=true+headroom:h=3+mirror")
    assert row.steps == (Mirror(on=True), Headroom(3.0), Mirror())
    assert row.label == "mirror:on=true+headroom:h=3.0+mirror"


def test_shorthands_are_chains_with_options_of_the_last_step_that_has_them(mirror, monkeypatch):
    monkeypatch.setattr(catalogue, "_SHORTHANDS", {"both": "mirror:on=true+headroom:h=3"})
    assert chain("both").steps == (Mirror(on=True), Headroom(3.0))
    assert chain("both:h=5").steps == (Mirror(on=True), Headroom(5.0))
    assert chain("both:h=5,share=0.2").steps == (Mirror(on=True, share=0.2), Headroom(5.0))
    assert chain("both+mirror").steps == (Mirror(on=True), Headroom(3.0), Mirror())
    with pytest.raises(InputError, match="both"):
        chain("botj")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mirorr", "there is no method 'mirorr': did you mean mirror?"),
        ("xyz", "there is no method 'xyz': the methods are none, headroom"),
        ("MIRROR", "there is no method 'MIRROR': did you mean mirror?"),
        ("", "'' has a step without a name: give NAME, or NAME+NAME"),
        ("mirror+", "'mirror+' has a step without a name"),
        ("+mirror", "'+mirror' has a step without a name"),
        (":on=true", "':on=true' has a step without a name"),
        ("mirror:shar=1", "mirror has no option 'shar': did you mean share?"),
        ("headroom:q=1", "headroom has no option 'q': it has h"),
        ("mirror:share", "mirror:share is no option: give NAME=VALUE"),
        ("mirror:", "mirror: has no options behind its colon"),
        ("bi-retrain:", "bi-retrain: has no options behind its colon"),
        ("headroom:h=1M", "'1M' is ambiguous, M is mega to SI and milli to SPICE: write 1meg or 1m"),
        ("mirror:share=1,share=2", "mirror:share=2 gives share a second time"),
        ("headroom:h=0.9", "headroom:h is 0.9: it must be at least 1 and finite"),
        ("headroom:h=wide", "headroom:h is 'wide': it must be a number"),
        ("headroom:h=inf", "headroom:h is inf: it must be at least 1 and finite"),
        ("headroom+mirror+headroom:h=4", "headroom after headroom undoes it (headroom): give it once"),
        ("gain+match-rows", "match-rows after gain undoes it (rows): take one of them, or the other order"),
        ("fpt+gain", "gain after fpt undoes it (batchnorm, gain): take one of them"),
    ],
)  # fmt: skip
def test_texts_that_are_refused(mirror, text, words):
    with pytest.raises(InputError) as error:
        chain(text)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_packages_method_is_there_and_what_is_wrong_with_others_is_told(packages):
    packages.append(entry("mirror", lambda: Mirror))
    packages.append(entry("broken", lambda: 1 / 0))
    packages.append(entry("other-name", lambda: Mirror))
    packages.append(entry("headroom", lambda: Headroom))
    with pytest.warns(UserWarning, match="it is left out") as warnings:
        table = methods()
    assert list(table)[-1] == "mirror"
    assert table["headroom"] is Headroom
    messages = sorted(str(warning.message) for warning in warnings)
    assert len(messages) == 3
    assert "cannot be loaded: ZeroDivisionError: division by zero: it is left out" in messages[0]
    assert "package theirs, has the name of another method, 'headroom'" in messages[1]
    assert "has the name 'mirror': it must be that of the entry point" in messages[2]
    assert methods() == table, "told once"
    assert chain("mirror:on=true").steps == (Mirror(on=True),)
    with pytest.raises(InputError, match=r"entry point broken = theirs:Method .* cannot be loaded"):
        method("broken")
    with pytest.raises(InputError, match="has the name of another method"):
        register(Mirror)


class NoDataclass(Method):
    """Without options of its own, and no dataclass."""

    name = "no-dataclass"
    paper = about = "by hand"


@dataclass(frozen=True)
class Nameless(Method):
    """Without a name."""


@dataclass(frozen=True)
class Spaced(Mirror):
    """With a name that no command could be given."""

    name: ClassVar[str] = "a+b"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (dict, "'dict' is no subclass of xbarsim.mitigation.Method"),
        (NoDataclass, "'NoDataclass' is no dataclass: put @dataclass"),
        (Nameless, "'Nameless' has no name"),
        (Spaced, "'Spaced' has the name 'a+b'"),
        (Headroom, "'Headroom' has the name of another method, 'headroom'"),
    ],
)
def test_methods_that_cannot_be_registered(kind, words):
    with pytest.raises(InputError) as error:
        register(kind)
    assert words in str(error.value)


def test_a_method_may_be_registered_again(mirror):
    @dataclass(frozen=True)
    class Newer(Mirror):
        """In the place of the first."""

    register(Newer)
    assert methods()["mirror"] is Newer
