"""Kron reduction by joins of blocks: against star-mesh elimination node by node, and whatever the blocks' sizes are."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbarsim import Crossbar, LineEnds, effective_conductance, resources
from xbarsim.crossbar import SIDES
from xbarsim.errors import TooLargeError
from xbarsim.kernels import kron, reduction, regions, reverse
from xbarsim.kernels.symmetric_products import symmetric_product
from xbarsim.kernels.trees import JoinStep, Piece
from xbarsim.solvers.adjoint import effective_map
from xbarsim.solvers.segments import Segments
from xbarsim.solvers.solve import solve
from xbarsim.solvers.terminals import Terminals


def eliminated(network, keep):
    """Star-mesh elimination of all nodes from ``keep`` on, the last one first, nothing subtracted."""
    c = network.copy()
    for k in range(c.shape[0] - 1, keep - 1, -1):
        pivot = c[k, :k].sum()
        if pivot > 0.0:
            c[:k, :k] += np.outer(c[k, :k], c[k, :k] / pivot)
    np.fill_diagonal(c, 0.0)
    return c[:keep, :keep]


def random_block(rng, ports):
    """Couplings over twelve decades, some of them open, and two ports that nothing joins."""
    c = np.tril(10 ** rng.uniform(-9, 3, (ports, ports)) * (rng.random((ports, ports)) < 0.7), -1)
    alone = rng.integers(ports, size=2)
    c[alone], c[:, alone] = 0.0, 0.0
    return c + c.T


def joint(step, a, b):
    """Two blocks in one network: the kept ports, then the shared ones."""
    network = np.zeros((step.total, step.total))
    for part, block in enumerate((a, b)):
        place = step.places(part)
        network[np.ix_(place, place)] += block
    return network


@settings(deadline=None)  # kernels may be compiled meanwhile
@given(shared=st.integers(1, 70), sizes=st.lists(st.integers(1, 9), min_size=2, max_size=6), seed=st.integers(0, 10**6))
def test_a_join_is_the_elimination_of_the_shared_ports(shared, sizes, seed):
    """Panels and their borders, and pieces of both blocks in turn; voltages of 1 V at each port; islands."""
    rng = np.random.default_rng(seed)
    starts, pieces = [0, 0], []
    for k, size in enumerate(sizes):
        pieces.append(Piece(k % 2, starts[k % 2], size))
        starts[k % 2] += size
    step = JoinStep(shared, sum(sizes), starts[0] + shared, starts[1] + shared, tuple(pieces))
    a, b = random_block(rng, step.ports_a), random_block(rng, step.ports_b)
    # What lies above the diagonal must not matter.
    blocks = [np.where(np.tri(len(part), k=-1) > 0, part, np.nan).reshape(-1) for part in (a, b)]
    out, rows, roots = np.empty(step.boundary**2), np.empty(shared * step.total), np.empty(shared)
    work = np.empty(kron.work_size(step.total))
    kron.merge(step.line, *blocks, out, rows, roots, work, *kron.blas_addresses())
    expected = np.tril(eliminated(joint(step, a, b), step.boundary))
    np.testing.assert_allclose(np.tril(out.reshape(expected.shape), -1), expected, rtol=1e-13, atol=0)

    extension = np.empty((shared, step.boundary))
    kron.harmonic(shared, step.boundary, rows, roots, extension.reshape(-1), work, kron.blas_addresses()[0])
    tied = roots > 0.0
    np.testing.assert_allclose(extension[~tied], 0.0)
    # A mean of the ports' voltages, or 0 in islands that no port holds.
    sums = extension[tied].sum(axis=1)
    assert np.all(np.isclose(sums, 1.0, rtol=1e-13) | np.isclose(sums, 0.0, atol=1e-13))


CIRCUITS = {
    "wires": {"word_wire": 3.0, "bit_wire": 2.0, "driver": 1.0, "sense": 5.0},
    "tiny wires": {"word_wire": 1e-9, "bit_wire": 2e-9, "driver": 1e-6, "sense": 1.0},
    "0 ohm along word lines": {"word_wire": 0.0, "bit_wire": 2.0, "driver": 1.0, "sense": 0.0},
    "wires that dominate": {"word_wire": 1e4, "bit_wire": 1e3, "driver": 10.0, "sense": 10.0},
    "four sides": {
        "word_wire": 3.0, "bit_wire": 2.0, "driver": 1.0, "sense": 5.0,
        "ends": {"word_right": LineEnds(0.0, 7.0), "bit_top": LineEnds(0.0, [3.0, np.inf] * 6 + [1.0])},
    },
    "broken lines": {
        "word_wire": np.where(np.random.default_rng(1).random((11, 12)) < 0.3, np.inf, 2.0), "bit_wire": 1.0,
        "driver": 1.0, "sense": 1.0,
    },
}  # fmt: skip


@pytest.fixture
def small_blocks(monkeypatch):
    """Leaves of two lines, trees of few leaves and regions of few trees: all that large arrays go through."""

    def forget():
        for plan in (regions.rectangle_plan, regions.tree, reduction.whole):
            plan.cache_clear()

    monkeypatch.setattr(reduction, "leaf_size", lambda rows, cols: 2)
    monkeypatch.setattr(regions, "TREE_CELLS", 12)
    monkeypatch.setattr(regions, "REGION_CELLS", 40)
    forget()
    yield
    monkeypatch.undo()
    forget()


def drawn(name):
    rng = np.random.default_rng(7)
    g = 10 ** rng.uniform(-9, -2, (11, 13)) * (rng.random((11, 13)) < 0.9)
    return Crossbar(g, **CIRCUITS[name]), rng.normal(size=g.shape), rng.uniform(-1, 1, (3, 11))


def answers(name, threads=1):
    """Couplings, gradient and node voltages of a circuit."""
    crossbar, cotangent, volts = drawn(name)
    segments = Segments.of(crossbar)
    terminals = Terminals.of(segments, keep=True, threads=threads)
    gradient = terminals.gradient("word_left", "bit_bottom", cotangent)
    voltages = terminals.network.voltages(terminals.stack(segments.sources(volts)))
    return [terminals.network.couplings, gradient, *voltages]


@pytest.mark.parametrize("name", CIRCUITS)
def test_blocks_of_any_size_give_the_same(name, request):
    """One leaf knows no joins; regions of trees of leaves go all ways up and down."""
    couplings, gradient, word, bit = answers(name)
    request.getfixturevalue("small_blocks")
    joined = answers(name)
    assert len(regions.rectangle_plan(reduction.whole(11, 13, (True, False, False, True))).regions) > 2
    np.testing.assert_allclose(joined[0], couplings, rtol=1e-13, atol=0)
    np.testing.assert_allclose(joined[1], gradient, rtol=0, atol=1e-13 * np.abs(gradient).max())
    for volts, expected in zip(joined[2:], (word, bit), strict=True):
        np.testing.assert_allclose(volts.sum(axis=0), expected.sum(axis=0), rtol=0, atol=1e-13)
    for several, single in zip(answers(name, threads=2), joined, strict=True):
        np.testing.assert_array_equal(several, single)


def test_joined_blocks_give_the_map_of_the_reference(small_blocks):
    crossbar, _, volts = drawn("tiny wires")
    expected = solve(crossbar, volts[0], method="reference").currents
    np.testing.assert_allclose(volts[0] @ effective_conductance(crossbar), expected, rtol=1e-13, atol=1e-16)


def test_joined_blocks_give_the_field_formula(small_blocks):
    """dG_kl/dg is minus the voltages across the cell for 1 V at row k times those for 1 V at column l."""
    crossbar, cotangent, _ = drawn("wires")
    rows, cols = crossbar.shape
    from_rows = solve(crossbar, np.eye(rows), method="schur", fields=True)
    mirrored = Crossbar(
        crossbar.conductance.T[::-1, ::-1].copy(), word_wire=2.0, bit_wire=3.0, driver=5.0, sense=1.0,
    )  # fmt: skip
    from_cols = solve(mirrored, np.eye(cols)[::-1], method="schur", fields=True)
    across = from_rows.word_voltages - from_rows.bit_voltages
    back = (from_cols.bit_voltages - from_cols.word_voltages).transpose(0, 2, 1)[:, ::-1, ::-1]
    expected = -np.einsum("kl,kij,lij->ij", cotangent, across, back)
    gradient = effective_map(crossbar).gradient(cotangent)
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_an_adjoint_is_zero_where_an_island_is():
    """Two shared ports, of which nothing holds the second."""
    step = JoinStep(2, 2, 3, 3, (Piece(0, 0, 1), Piece(1, 0, 1)))
    across, among = np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([[3.0, 0.0], [0.0, 0.0]])
    parts = np.full((2, 9), np.nan)
    reverse.hand_down(
        step.line, np.array([0.0, 0.0, 5.0, 0.0]), across.reshape(-1), among.reshape(-1), np.array([0.5, 0.0]), *parts
    )
    for part, expected in zip(parts.reshape(2, 3, 3), ([-0.5, 0.0, 0.0], [0.5, 0.0, 0.0]), strict=True):
        assert np.array_equal(part[np.tril_indices(3, -1)], expected)


def test_a_product_with_a_lower_triangle():
    rng = np.random.default_rng(3)
    a, lower = rng.normal(size=(5, 7)), rng.normal(size=(7, 7))
    out = np.full((5, 7), np.nan)
    symmetric_product(a, np.where(np.tri(7) > 0, lower, np.nan), out)
    np.testing.assert_allclose(out, a @ (np.tril(lower) + np.tril(lower, -1).T), rtol=1e-13, atol=1e-13)


def test_memory_is_foreseen_and_grows_with_the_cells():
    """2,048 x 2,048 fits in 8 GB, its gradient too; what does not fit is refused with the figure."""
    present = (True, False, False, True)
    need = partial(reduction.memory, present=present)
    assert need(2048, 2048, keep=False) < need(2048, 2048, keep=True) < 8e9
    assert 3.9 < need(4096, 4096, keep=False) / need(2048, 2048, keep=False) < 4.4


def test_what_does_not_fit_is_refused_with_the_figure(monkeypatch):
    monkeypatch.setattr(resources, "available_memory", lambda: 3e8)
    crossbar = Crossbar(np.full((2048, 2048), 1e-6), word_wire=1.0, bit_wire=1.0)
    with pytest.raises(TooLargeError, match=r"2048 x 2048 needs about 0\.\d+ GB of memory, 0\.3 GB are available"):
        effective_conductance(crossbar)


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (9, 5), (17, 40)])
@pytest.mark.parametrize(
    "grounded", [["word_left"], ["word_left", "word_right", "bit_top"], ["bit_bottom", "word_right"]]
)
@pytest.mark.parametrize("wire", [0.0, 2.0])
def test_a_form_without_held_sides_is_part_of_the_whole_one(shape, grounded, wire):
    """Would break if ports that are left out on the way up were others than those of the sides at 0 V."""
    rng = np.random.default_rng(8)
    ends = {side: LineEnds(0.0, rng.uniform(1.0, 9.0, shape[side.startswith("bit")])) for side in SIDES}
    crossbar = Crossbar(10 ** rng.uniform(-6, -3, shape), word_wire=wire, bit_wire=1.5 * wire, ends=ends)
    terminals = Terminals.of(Segments.of(crossbar), keep=True, threads=1)
    weights = rng.uniform(0.0, 1.0, (3, *shape))
    free = np.concatenate(
        [np.arange(place.start, place.stop) for side, place in terminals.places.items() if side not in grounded]
    )
    whole = terminals.form(*weights)
    np.testing.assert_allclose(
        terminals.form(*weights, grounded=grounded), whole[np.ix_(free, free)], rtol=1e-12, atol=1e-15
    )
