"""A written array by other means: VTEAM's equations on dense nodal equations, integrated by SciPy."""

from itertools import pairwise

import numpy as np
from scipy.integrate import solve_ivp

SHARES = {"half": (0.5, 0.5), "third": (1 / 3, 2 / 3), "grounded": (0.0, 0.0)}


def nodal(crossbar):
    """Admittances of the wires and ends alone, and their right-hand side for volts of word and bit sources."""
    m, n = crossbar.shape
    nodes = 2 * m * n
    word, bit = np.arange(m * n).reshape(m, n), m * n + np.arange(m * n).reshape(m, n)
    y = np.zeros((nodes, nodes))

    def join(a, b, ohms):
        for p, q in ((a, b), (b, a)):
            y[p, p] += 1 / ohms
            y[p, q] -= 1 / ohms

    for i in range(m):
        for j in range(n - 1):
            join(word[i, j], word[i, j + 1], crossbar.word_wire[i, j])
    for i in range(m - 1):
        for j in range(n):
            join(bit[i, j], bit[i + 1, j], crossbar.bit_wire[i, j])
    for i in range(m):
        y[word[i, 0], word[i, 0]] += 1 / crossbar.driver[i]
    for j in range(n):
        y[bit[-1, j], bit[-1, j]] += 1 / crossbar.sense[j]

    def sources(words, bits):
        s = np.zeros(nodes)
        s[word[:, 0]] += words / crossbar.driver
        s[bit[-1]] += bits / crossbar.sense
        return s

    return y, sources, word, bit


def across(crossbar, g, words, bits, wires=None):
    """Volts across all cells, and the watts that the sources deliver; ``wires`` is what ``nodal`` gives."""
    y, sources, word, bit = wires or nodal(crossbar)
    y = y.copy()
    w, b = word.ravel(), bit.ravel()
    y[w, w] += g.ravel()
    y[b, b] += g.ravel()
    y[w, b] -= g.ravel()
    y[b, w] -= g.ravel()
    v = np.linalg.solve(y, sources(words, bits))
    power = words @ ((words - v[word[:, 0]]) / crossbar.driver) + bits @ ((bits - v[bit[-1]]) / crossbar.sense)
    return v[word] - v[bit], power


def vteam_siemens(d, x):
    return 1 / (d.r_on + (d.r_off - d.r_on) * (x - d.x_on) / (d.x_off - d.x_on))


def vteam_motion(d, v, x):
    up = np.where(v > d.v_off, d.k_off * np.abs(v / d.v_off - 1) ** d.alpha_off, 0.0)
    down = np.where(v < d.v_on, d.k_on * np.abs(v / d.v_on - 1) ** d.alpha_on, 0.0)
    return up + down


def pulse_by_scipy(crossbar, states, cells, scheme, amplitude, edges):
    """States and the sources' joules after a pulse, its ``edges`` rise, width and fall; no state meets a bound."""
    d, (m, n) = crossbar.device, crossbar.shape
    rows, cols = {i for i, _ in cells}, {j for _, j in cells}
    word_share, bit_share = SHARES[scheme]
    words = np.array([1.0 if i in rows else word_share for i in range(m)])
    bits = np.array([0.0 if j in cols else bit_share for j in range(n)])
    times, wires = np.cumsum([0.0, *edges]), nodal(crossbar)

    def slope(t, state):
        x = state[:-1].reshape(m, n)
        a = amplitude * np.interp(t, times, [0.0, 1.0, 1.0, 0.0])
        v, power = across(crossbar, vteam_siemens(d, x), a * words, a * bits, wires)
        return np.append(vteam_motion(d, v, x).ravel() / 1e-9, power / 1e-12)

    state = np.append(states.ravel(), 0.0)

    def scaled(t, s):  # states in nanometres and picojoules, so that one tolerance fits both
        return slope(t, np.append(s[:-1] * 1e-9, 0.0))

    state[:-1] /= 1e-9
    for begin, stop in pairwise(times):
        if stop > begin:
            answer = solve_ivp(
                scaled, (begin, stop), state, method="DOP853", rtol=1e-10, atol=1e-12, max_step=(stop - begin) / 20
            )
            state = answer.y[:, -1]
    return state[:-1].reshape(m, n) * 1e-9, state[-1] * 1e-12
