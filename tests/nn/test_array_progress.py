"""Forward passes that reduce arrays count them, and say how fast and for how long; others say nothing."""

import re

import pytest
import torch
from nn_tools import hardware, made, numbers, small
from torch import nn

from xbarsim.nn import cells, convert, stage_lines
from xbarsim.nn.stage_lines import ImagePasses, array_rate


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def perf_counter(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(stage_lines, "time", clock)
    return clock


def counted(network, *inputs):
    said = []
    network.progress = lambda count, whole: said.append((count, whole))
    with torch.no_grad():
        network(*inputs)
    network.progress = None
    assert all(layer.progress is None for layer in network.layers.values())
    return said


def test_each_pass_counts_all_arrays_that_it_reduces(monkeypatch):
    monkeypatch.setattr(cells, "TOGETHER", 100)
    network = convert(small(), hardware()).program(0).eval().keep_maps("recompute")
    whole = sum(len(layer.places) for layer in network.layers.values())
    for _ in range(2):
        said = counted(network, numbers(2, 3, 8, 8))
        assert [count for count, _ in said] == sorted({count for count, _ in said})
        assert {of for _, of in said} == {whole}
        assert said[-1] == (whole, whole)
        assert len(said) > 2 * len(network.layers)
    network.keep_maps("weights")
    network.layers["head.0"].prepare()
    part = whole - len(network.layers["head.0"].places)
    assert counted(network, numbers(2, 3, 8, 8))[-1] == (part, part), "that one's are there"
    assert counted(network, numbers(2, 3, 8, 8)) == []


def test_a_layer_that_is_called_twice_is_counted_twice():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = made(nn.Linear, 9, 9)

        def forward(self, x):
            return self.inner(self.inner(x))

    network = convert(Twice(), hardware()).program(0).eval().keep_maps("recompute")
    arrays = len(network.layers["inner"].places)
    assert counted(network, numbers(2, 9)) == [(arrays, arrays), (2 * arrays, 2 * arrays)]


def test_a_pass_that_fails_leaves_nobody_waiting():
    network = convert(made(nn.Linear, 9, 7), hardware()).program(0).eval().keep_maps("recompute")
    network.progress = lambda count, whole: 1 / 0
    with pytest.raises(ZeroDivisionError), torch.no_grad():
        network(numbers(2, 9))
    assert network.layers["model"].progress is None


def test_rate_and_time_left(clock):
    lines = []
    tell = array_rate(lines.append, "chip 1 of 2: programming")
    clock.now += 10.0
    tell(500, 2000)
    assert lines == ["chip 1 of 2: programming: 500 of 2000 arrays, 50 a second, 30 s left"]


def test_time_left_is_that_of_all_passes(clock):
    lines = []
    passes = ImagePasses(lines.append, "chip 1 of 2", 10, 4)
    clock.now += 10.0
    passes.reduced(500, 1000)
    assert lines[-1] == "chip 1 of 2: 500 of 1000 arrays, 50 a second, 50 s left (image 1 of 10)"
    clock.now += 15.0
    passes.reduced(1000, 1000)
    passes.passed(4)
    assert lines[-1] == "chip 1 of 2: 4 of 10 images"
    clock.now += 5.0
    passes.reduced(500, 1000)
    assert lines[-1] == "chip 1 of 2: 500 of 1000 arrays, 50 a second, 30 s left (image 5 of 10)"
    passes.passed(8)
    clock.now += 30.0
    passes.reduced(1000, 1000)
    assert lines[-1] == "chip 1 of 2: 1000 of 1000 arrays, 50 a second, 0 s left (image 9 of 10)"


def test_infer_says_how_it_goes():
    from network_tools import made as images

    from xbarsim.nn.inference import infer

    lines = []
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    infer(model, images(), hardware(), seeds=[0], batch=5, map_storage="recompute", progress=lines.append)
    reduced = [
        line
        for line in lines
        if re.fullmatch(r"chip 1 of 1: \d+ of \d+ arrays, \d+ a second, \d+ s left \(image \d+ of 12\)", line)
    ]
    assert [line.split("(")[1] for line in reduced] == ["image 1 of 12)", "image 6 of 12)", "image 11 of 12)"]
    assert "chip 1 of 1: 10 of 12 images" in lines
