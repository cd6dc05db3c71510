"""What a bench hands out: no more than needs name, all of it counted, and nothing behind it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from mitigation_tools import CELLS, HARDWARE, bench_of, digits, harness_of, network

from xbarsim.errors import InputError
from xbarsim.mitigation import Bench, Chain, Method, Needs, NotEntitledError, Plan, realise
from xbarsim.mitigation.ledger import Ledger
from xbarsim.mitigation.needs import CHIP, DATA, KNOWLEDGE
from xbarsim.nn import Arrangement, Converter
from xbarsim.nonideal import Chip, WriteVerify

SECRET = 987_654_321_987
"""A chip's seed that no other number is."""


def plan_of(kind: str = "mlp") -> Plan:
    return Plan.of(network(kind))


# What is counted.


@dataclass(frozen=True)
class Toy(Method):
    """Uses known amounts of everything."""

    name: ClassVar[str] = "toy"
    paper: ClassVar[str] = "a test"
    about: ClassVar[str] = "uses known amounts of everything"

    @property
    def needs(self) -> Needs:
        return Needs(data="labels", knows="maps", chip="write")

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        bench.images(17), bench.images(40), bench.images(17)
        labelled = bench.labelled(25)
        labelled = bench.labelled(25)
        weight = torch.nn.Parameter(plan.model.fc2.weight.detach().clone())
        optimisers = [torch.optim.SGD([weight], lr=0.1), torch.optim.AdamW([weight], lr=0.1)]
        for step in range(7):
            weight.grad = torch.ones_like(weight)
            optimisers[step % 2].step()
        for count in (4, 9):
            bench.forward(plan, labelled.images[:count])
        bench.validation(plan), bench.validation(plan)
        mask = [np.zeros((64, 11), bool) for _ in range(2)]
        mask[0][3, 2:5] = True
        bench.write(plan, {"fc1": mask})
        mask[0][3, 3] = False
        bench.write(plan, {"fc1": mask})
        return plan


def test_counts_are_those_of_the_uses():
    record = harness_of().record(Chain((Toy(),)), 3)
    cells = 2 * (64 * 11 + 11 * 10)
    cost = record.cost
    assert cost.labels == 25 + 60, "images with labels once, however often; and all of the validation images"
    assert cost.images == 40 - 25, "those that were handed out without labels alone"
    assert cost.gradient_steps == 7
    assert cost.forward_images == 4 + 9
    assert cost.writes == cells + 3 + 2
    assert cost.pulses == cost.writes, "a blind write is one pulse"
    assert cost.most_writes_a_cell == 3


def test_counts_of_pulses_are_those_of_the_cells():
    hardware = replace(HARDWARE, cells=replace(CELLS, cycle_variation=None, write_verify=WriteVerify(tolerance=0.02)))
    record = harness_of(hardware=hardware).record(Chain((Toy(),)), 3)
    layers = realise(plan_of(), hardware, seed=3).layers.values()
    pulses = sum(int(plane.sum()) for layer in layers for plane in layer.pulses_per_cell)
    unconverged = sum(int(cells.unconverged.sum()) for layer in layers for cells in layer.present_cells().cells)
    assert record.cost.pulses >= pulses > 2 * 64 * 11
    assert 0 < unconverged <= record.cost.unconverged


class Restless(Toy):
    """Programs three sets of cells one after the other."""

    @property
    def needs(self) -> Needs:
        return Needs(data="images", chip="forward")

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        images = bench.images(2)
        for headroom in (1.0, 2.0, 1.0):
            plan = plan.with_layer("fc1", headroom=headroom)
            bench.forward(plan, images)
        return plan.with_layer("fc1", gain=torch.tensor(1.5))


def test_programming_other_cells_is_counted_and_digital_numbers_are_not():
    cost = harness_of().record(Chain((Restless(),)), 0).cost
    cells = 2 * (64 * 11 + 11 * 10)
    assert cost.writes == 3 * cells
    assert cost.most_writes_a_cell == 3
    assert cost.digital_gains == 1


def test_validation_through_the_chip_is_counted():
    ledger = Ledger.of(len(digits().train))
    plan = plan_of()
    bench = bench_of(plan, Needs(data="labels", chip="forward"), ledger=ledger)
    assert 0.0 <= bench.validation(plan) <= 1.0
    assert (ledger.labels, ledger.forward_images, ledger.images) == (60, 60, 0)
    assert bench_of(plan, Needs(data="labels", knows="maps", chip="forward"), ledger=ledger).validation(plan) > 0.0
    assert ledger.forward_images == 60, "the chip as it is known"


def test_validation_of_the_chip_itself_whatever_is_known():
    """Of a torch network the share is computed in software, and nothing goes through the chip."""
    ledger = Ledger.of(len(digits().train))
    plan = plan_of()
    bench = bench_of(plan, Needs(data="labels", knows="maps", chip="forward"), ledger=ledger, chip=3)
    images = torch.from_numpy(digits().validation.images).float() / 255
    labels = torch.from_numpy(digits().validation.labels)
    with torch.no_grad():
        on_chip, in_software = (
            float((model(images).argmax(dim=1) == labels).float().mean())
            for model in (realise(plan, HARDWARE, seed=3), plan.model)
        )
    assert bench.chip_validation(plan) == pytest.approx(on_chip)
    assert (ledger.labels, ledger.forward_images) == (60, 60)
    assert bench.validation(plan.model) == pytest.approx(in_software) != on_chip
    assert ledger.forward_images == 60
    for needs in (Needs(data="labels", knows="maps"), Needs(data="images", chip="write")):
        with pytest.raises(NotEntitledError):
            bench_of(plan, needs).chip_validation(plan)


def test_images_are_the_first_of_one_order():
    bench = bench_of(plan_of(), Needs(data="labels"))
    few, more = bench.images(5), bench.images(12)
    assert torch.equal(few, more[:5])
    assert torch.equal(bench.labelled(12).images, more)
    assert len(bench.images()) == bench.image_count == 160
    with pytest.raises(InputError, match="method asks for 161 images, and there are 160"):
        bench.images(161)
    assert not torch.equal(bench_of(plan_of(), Needs(data="images"), seed=6).images(12), more)


# What is refused.


def test_each_access_beyond_the_needs_is_refused():
    plan = plan_of()
    images = torch.zeros(1, 1, 8, 8)
    uses = {
        "images": ({"data": 1}, lambda bench: bench.images(3)),
        "labelled": ({"data": 2}, lambda bench: bench.labelled(3)),
        "validation": ({"data": 2}, lambda bench: bench.validation(plan)),
        "chip_validation": ({"data": 2, "chip": 1}, lambda bench: bench.chip_validation(plan)),
        "faults": ({"knows": 1}, lambda bench: bench.faults(plan)),
        "known_network": ({"knows": 1}, lambda bench: bench.known_network(plan)),
        "factors": ({"knows": 2}, lambda bench: bench.factors(plan)),
        "forward": ({"chip": 1}, lambda bench: bench.forward(plan, images)),
        "write": ({"chip": 2}, lambda bench: bench.write(plan)),
    }
    for data, knows, chip in itertools.product(range(3), range(3), range(3)):
        needs = Needs(data=DATA[data], knows=KNOWLEDGE[knows], chip=CHIP[chip])
        ledger = Ledger.of(len(digits().train))
        bench = bench_of(plan, needs, ledger=ledger)
        present = {"data": data, "knows": knows, "chip": chip}
        for use, (demands, call) in uses.items():
            short = [kind for kind, level in demands.items() if present[kind] < level]
            if short:
                with pytest.raises(
                    NotEntitledError, match=f"method is not entitled to this: its needs say {short[0]}="
                ):
                    call(bench)
            elif use not in ("validation", "chip_validation"):
                call(bench)
    networks = {"simulated_network", "ideal_network", "fault_free_network", "recalibrate", "reprogram"}
    covered = {*uses, *networks, "note", "generator"}
    assert {name for name in vars(Bench) if not name.startswith("_")} - {"image_count"} == covered


# What is behind it.


def reachable(thing: Any, depth: int, seen: dict[int, Any]) -> Iterator[Any]:
    """Yield all that public attributes, items and elements lead to."""
    if (
        id(thing) in seen
        or depth < 0
        or isinstance(thing, type)
        or (callable(thing) and not hasattr(thing, "children"))
    ):
        return
    seen[id(thing)] = thing
    yield thing
    inner: list[Any] = []
    if isinstance(thing, dict):
        inner = [*thing, *thing.values()]
    elif isinstance(thing, list | tuple | set):
        inner = list(thing)
    elif not isinstance(thing, torch.Tensor | np.ndarray | str | bytes | int | float | torch.Generator):
        for name in dir(thing):
            if not name.startswith("_"):
                try:
                    inner.append(getattr(thing, name))
                except (AttributeError, InputError, RuntimeError):
                    continue
    if isinstance(thing, Chip):
        inner += _maps(thing)
    for item in inner:
        yield from reachable(item, depth - 1, seen)


@pytest.mark.slow
@pytest.mark.parametrize("knows", KNOWLEDGE)
def test_no_public_attribute_leads_to_seed_chip_or_test_set(knows):
    plan = plan_of()
    hardware = replace(HARDWARE, adc=Converter(bits=12))
    bench = bench_of(plan, Needs(data="labels", knows=knows, chip="write"), hardware=hardware, chip=SECRET)
    labelled = bench.labelled()
    roots = [bench, bench.forward(plan, labelled.images[:3])]
    roots += [bench.ideal_network(plan), bench.fault_free_network(plan), bench.simulated_network(plan)]
    roots.append(bench.write(plan))
    if knows != "hardware":
        roots += [bench.known_network(plan), bench.faults(plan)]
    truth = realise(plan, hardware, seed=SECRET)
    factors = [maps.factor for chip in _chips(truth) for maps in _maps(chip)]
    faults = [maps.faults for chip in _chips(truth) for maps in _maps(chip)]
    test = digits().test.images
    seen: dict[int, Any] = {}
    arrived = {"factor": False, "faults": False}
    for thing in itertools.chain.from_iterable(reachable(root, 7, seen) for root in roots):
        if isinstance(thing, int):
            assert thing != SECRET
        if isinstance(thing, np.ndarray):
            assert not np.shares_memory(thing, test)
            arrived["factor"] |= any(np.array_equal(thing, factor) for factor in factors)
            arrived["faults"] |= any(np.array_equal(thing, stuck) for stuck in faults)
        if isinstance(thing, torch.Tensor) and thing.shape[-3:] == test.shape[-3:]:
            assert len(labelled.images) == len(thing)
        if isinstance(thing, Chip):
            assert thing.seed != SECRET
            assert thing not in _chips(truth)
    assert arrived == {"factor": knows == "maps", "faults": knows != "hardware"}, "the walk comes to what is known"


def _chips(network_: Any) -> list[Chip]:
    return [layer.checked_chip() for layer in network_.layers.values()]


def _maps(chip: Chip) -> list[Any]:
    return [chip.maps(tile) for tile in range(len(chip.shapes))]


def test_write_noise_of_the_chip_cannot_be_learned_before_the_write():
    """A method that looks at the chip and then asks for other cells finds other noise in them."""
    plan = plan_of()
    bench = bench_of(plan, Needs(chip="forward"), chip=2)
    unit = torch.eye(64).reshape(64, 1, 8, 8)
    first = bench.forward(plan, unit).layers["fc1"]
    again = bench.forward(plan, unit).layers["fc1"]
    assert torch.equal(first, again)
    bench.forward(plan.with_layer("fc1", headroom=1.5), unit)
    assert not torch.allclose(bench.forward(plan, unit).layers["fc1"], first, rtol=1e-3)


def test_cells_are_written_for_the_rows_and_the_scale_that_they_have():
    plan = plan_of()
    bench = bench_of(plan, Needs(chip="write"))
    bench.write(plan)
    reverse = Arrangement(rows=[np.arange(64)[::-1]])
    for other, part in (
        (plan.with_layer("fc1", headroom=2.0), "headroom of layer 'fc1'"),
        (plan.with_layer("fc1", arrangement=reverse), "rows of layer 'fc1'"),
        (replace(plan, write_verify=WriteVerify()), "writing of layer 'fc1'"),
        (replace(plan, batchnorm="outputs"), "batchnorm of layer 'fc1'"),
    ):
        with pytest.raises(InputError, match=f"a write changes weights, and {part} are others than on the chip"):
            bench.write(other)


def test_other_weights_of_the_same_scale_may_be_written():
    """Headroom is what is left of the scale: of smaller weights it is more, and the chip's scale stays."""
    plan = plan_of()
    bench = bench_of(plan, Needs(chip="write"))
    bench.write(plan)
    weight = plan.model.state_dict()["fc1.weight"]
    cut = weight.clamp(-0.7 * weight.abs().max(), 0.7 * weight.abs().max())
    smaller = plan.with_weights({"fc1.weight": cut})
    headroom = float(weight.abs().max()) / float(cut.abs().max())
    bench.write(smaller.with_layer("fc1", headroom=headroom))
    for factor in (1.001, 0.999):
        with pytest.raises(InputError, match="headroom of layer 'fc1' are others than on the chip"):
            bench.write(smaller.with_layer("fc1", headroom=factor * headroom))


def test_targets_are_written_where_they_are_asked_for():
    plan = plan_of()
    bench = bench_of(plan, Needs(chip="write"))
    images = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    first = bench.forward(plan, images).layers["fc1"]
    rng = np.random.default_rng(3)
    targets = tuple(rng.uniform(CELLS.g_off, CELLS.g_on, (64, 11)) for _ in range(2))
    masks = [np.zeros((64, 11), bool) for _ in range(2)]
    masks[0][5, 3] = masks[1][9, 7] = True
    bench.write(plan.with_layer("fc1", targets=targets), {"fc1": masks})
    written = plan.with_layer("fc1", targets=targets)
    apart = (bench.forward(written, images).layers["fc1"] - first).abs().amax(dim=0) > 1e-6
    assert {3} <= set(np.flatnonzero(apart.numpy())) <= {3, 7}


def test_a_chip_is_for_one_network():
    """Another network, or spare rows that nobody asked for, would be another chip."""
    plan = plan_of()
    bench = bench_of(plan, Needs(data="images", chip="forward"))
    images = bench.images(2)
    for other in (Plan.of(network("single")), plan.with_layer("fc1", arrangement=Arrangement(spare=3))):
        with pytest.raises(InputError, match="and the chip has 1408 cells of layer 'fc1', 220 cells of layer 'fc2'"):
            bench.forward(other, images)
    with pytest.raises(
        InputError, match=r"method sends images of shape \(1, 5, 1, 8, 8\): they must be \(count, 1, 8, 8\)"
    ):
        bench.forward(plan, bench.images(5)[None])


@dataclass(frozen=True)
class Roomy(Toy):
    """Takes spare rows that it did not ask for."""

    @property
    def needs(self) -> Needs:
        return Needs()

    def apply(self, plan: Plan, bench: Bench) -> Plan:
        return plan.with_layer("fc1", arrangement=Arrangement(spare=5))


def test_spare_rows_are_asked_for():
    with pytest.raises(InputError, match="with the spare rows that spare_rows asks for"):
        harness_of().apply(Chain((Roomy(),)), 0)
