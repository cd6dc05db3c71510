"""What wires, amplifiers and cells each do to an answer."""

import numpy as np
import pytest
from loop_tools import UNIT, dominant, wires

from xbarsim import Crossbar
from xbarsim.loop import Amplifier, SignedPair, eigenvector, solve_inverse, split_errors


def circuit_of(b):
    return lambda array, amplifier: solve_inverse(array, b, unit=UNIT, amplifier=amplifier)


@pytest.mark.parametrize("signed", [False, True])
def test_each_cause_alone_is_what_it_is(signed):
    rng = np.random.default_rng(1)
    A, b = dominant(rng, 4, signed), rng.uniform(0.1, 0.2, (2, 4))
    circuit, off = wires(rng, 4, 4), 1.0 + 0.02 * rng.standard_normal((4, 4))
    if signed:
        target = SignedPair.of(A, UNIT)
        array = SignedPair.of(A * off, UNIT, **circuit)
        wired = SignedPair.of(A, UNIT, **circuit)
    else:
        target, array, wired = (Crossbar(M * UNIT, **kw) for M, kw in ((A, {}), (A * off, circuit), (A, circuit)))
    amplifier = Amplifier(gain=2e3, offset=1e-4)
    split = split_errors(circuit_of(b), array, target=target, amplifier=amplifier)
    ideal = np.linalg.solve(A, b.T).T
    assert split.ideal == pytest.approx(ideal, rel=1e-12)
    assert split.cells == pytest.approx(np.linalg.solve(A * off, b.T).T, rel=1e-12)
    assert split.wires == pytest.approx(solve_inverse(wired, b, unit=UNIT).x, rel=1e-13)
    assert split.amplifiers == pytest.approx(solve_inverse(target, b, unit=UNIT, amplifier=amplifier).x, rel=1e-13)
    assert split.together == pytest.approx(solve_inverse(array, b, unit=UNIT, amplifier=amplifier).x, rel=1e-13)
    shares = split.relative()
    lengths = np.linalg.norm(split.wires - ideal, axis=1) / np.linalg.norm(ideal, axis=1)
    assert shares["wires"] == pytest.approx(np.sqrt(np.mean(lengths**2)), rel=1e-9)
    assert split.worst()["cells"] == pytest.approx(np.abs(split.cells - ideal).max() / np.abs(ideal).max(), rel=1e-9)
    assert list(shares) == ["cells", "wires", "amplifiers", "together"]
    table = split.as_table().splitlines()
    assert table[0].split() == ["cause", "relative", "error", "worst", "entry"]
    assert [line.split()[0] for line in table[1:]] == list(shares)
    assert float(table[4].split()[1]) == pytest.approx(shares["together"], rel=5e-3)


def test_small_causes_add_up():
    """To first order the errors are a sum."""
    rng = np.random.default_rng(2)
    A, b = dominant(rng, 5, False), rng.uniform(0.1, 0.2, 5)
    array = Crossbar(A * UNIT * (1 + 1e-5 * rng.standard_normal((5, 5))), word_wire=1e-2, bit_wire=2e-2)
    split = split_errors(circuit_of(b), array, target=Crossbar(A * UNIT), amplifier=Amplifier(gain=1e6))
    parts = sum(getattr(split, cause) - split.ideal for cause in ("cells", "wires", "amplifiers"))
    assert split.together - split.ideal == pytest.approx(parts, abs=1e-3 * np.abs(parts).max())


def test_nothing_wrong_is_no_error():
    A = np.array([[2.0, 0.3], [0.1, 1.5]])
    split = split_errors(circuit_of([0.1, 0.2]), Crossbar(A * UNIT), target=Crossbar(A * UNIT), amplifier=Amplifier())
    assert max(split.relative().values()) < 1e-14


def test_eigenvectors_are_split_too():
    rng = np.random.default_rng(3)
    A = rng.uniform(0.0, 1.0, (4, 4))
    array = Crossbar(A * UNIT * 1.05, **wires(rng, 4, 4))
    split = split_errors(
        lambda cells, amplifier: eigenvector(cells, unit=UNIT, amplifier=amplifier),
        array, target=Crossbar(A * UNIT), amplifier=Amplifier(gain=1e3),
    )  # fmt: skip
    # A factor leaves an eigenvector alone; wires do not.
    assert split.relative()["cells"] < 1e-12
    assert split.relative()["wires"] > 1e-4


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-6])
def test_errors_that_rounding_may_have_made_are_none(gap):
    """Nothing is wrong with this circuit but rounding, the more so the nearer its matrix is to a singular one."""
    A = np.array([[1.0, 1.0 - gap], [1.0, 1.0]])
    split = split_errors(
        circuit_of([0.1, 0.17]), Crossbar(A * UNIT), target=Crossbar(A * UNIT), amplifier=Amplifier()
    )  # fmt: skip
    for cause, share in split.relative().items():
        assert share <= split.doubt[cause] < 1e4 * np.finfo(float).eps / gap
    assert all(line.split()[1] == "<" for line in split.as_table().splitlines()[1:])
    large = split_errors(
        circuit_of([0.1, 0.17]), Crossbar(A * UNIT), target=Crossbar(A * UNIT), amplifier=Amplifier(gain=1e3 / gap)
    )  # fmt: skip
    assert large.relative()["amplifiers"] > 10.0 * large.doubt["amplifiers"]
    assert "<" not in large.as_table().splitlines()[3]


def test_eigenvectors_of_near_eigenvalues_are_as_uncertain_as_they_are():
    """Rounding moves the ideal by more than it moves the matrix: by one over the distance of eigenvalues."""
    A = np.array([[1.0, 1e-7, 0.2], [3e-7, 1.0 - 1e-7, 0.1], [0.3, 0.2, 0.1]])
    answer = eigenvector(Crossbar(A * UNIT), unit=UNIT)
    loose = eigenvector(Crossbar(np.diag([1.0, 0.3, 0.2]) * UNIT + 1e-6), unit=UNIT)
    assert answer.relative_error <= answer.doubt
    assert loose.relative_error <= loose.doubt
    assert loose.doubt < answer.doubt
