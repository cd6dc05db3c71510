"""Crossbars in time by dense matrices and scipy alone: what the tests hold xbarsim.transient against."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import expm


class DenseNetwork:
    """Nodes word first, row by row, then bit; ``matrix @ volts`` is what wires, ends and ohmic cells take."""

    def __init__(self, rows, cols, word, bit, ends):
        """Wires in ohms: word (rows, cols - 1), bit (rows - 1, cols); ends {side: ohms of each line}, inf open."""
        self.rows, self.cols = rows, cols
        count = 2 * rows * cols
        self.wires = np.zeros((count, count))
        self.ties = {}
        for i in range(rows):
            for j in range(cols - 1):
                self.couple(self.wires, self.w(i, j), self.w(i, j + 1), 1.0 / word[i][j])
        for i in range(rows - 1):
            for j in range(cols):
                self.couple(self.wires, self.b(i, j), self.b(i + 1, j), 1.0 / bit[i][j])
        for side, ohms in ends.items():
            nodes = {
                "word_left": [self.w(i, 0) for i in range(rows)],
                "word_right": [self.w(i, cols - 1) for i in range(rows)],
                "bit_top": [self.b(0, j) for j in range(cols)],
                "bit_bottom": [self.b(rows - 1, j) for j in range(cols)],
            }[side]
            self.ties[side] = nodes, 1.0 / np.asarray(ohms)
            self.wires[nodes, nodes] += 1.0 / np.asarray(ohms)

    def w(self, i, j):
        return i * self.cols + j

    def b(self, i, j):
        return self.rows * self.cols + i * self.cols + j

    @staticmethod
    def couple(matrix, p, q, siemens):
        matrix[p, p] += siemens
        matrix[q, q] += siemens
        matrix[p, q] -= siemens
        matrix[q, p] -= siemens

    def cells(self, siemens):
        """What cells (rows, cols), siemens or farads, add to a matrix of nodes."""
        matrix = np.zeros_like(self.wires)
        for i in range(self.rows):
            for j in range(self.cols):
                self.couple(matrix, self.w(i, j), self.b(i, j), siemens[i][j])
        return matrix

    def injected(self, volts):
        """Currents of the ends' sources into the nodes."""
        out = np.zeros(self.wires.shape[0])
        for side, (nodes, siemens) in self.ties.items():
            out[nodes] += siemens * volts.get(side, np.zeros(len(nodes)))
        return out

    def across(self, nodes):
        half = self.rows * self.cols
        return (nodes[:half] - nodes[half:]).reshape(self.rows, self.cols)

    def end_currents(self, nodes, volts):
        """Out of the array."""
        return {
            side: siemens * (nodes[places] - volts.get(side, np.zeros(len(places))))
            for side, (places, siemens) in self.ties.items()
        }

    def charged(self, siemens, word, bit, cell, volts, seconds):
        """Node volts some seconds after sources were put to volts, from no charge: the matrix exponential."""
        capacity = np.diag(np.concatenate([np.ravel(word), np.ravel(bit)])) + self.cells(cell)
        matrix = self.wires + self.cells(siemens)
        final = np.linalg.solve(matrix, self.injected(volts))
        return final - expm(-np.linalg.solve(capacity, matrix) * seconds) @ final

    def states(self, conduct, motion, volts_at, x0, times, *, limit=np.inf):
        """States of cells ``I = conduct(x) V``, ``dx/dt = motion(V, x)`` at some times: Radau at 1e-10."""

        def rate(time, x):
            grid = x.reshape(self.rows, self.cols)
            nodes = np.linalg.solve(self.wires + self.cells(conduct(grid)), self.injected(volts_at(time)))
            return motion(self.across(nodes), grid).ravel()

        out, x = [], np.ravel(x0)
        for start, stop in pairwise(times):
            scale = np.maximum(np.abs(x).max(), 1e-300)
            answer = solve_ivp(rate, (start, stop), x, method="Radau", rtol=1e-10, atol=1e-12 * scale, max_step=limit)
            assert answer.success
            x = answer.y[:, -1]
            out.append(x.reshape(self.rows, self.cols))
        return out
