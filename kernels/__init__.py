"""Compiled kernels: plain arrays in, arrays and a status code out. They check nothing; :mod:`xbarsim` does."""
