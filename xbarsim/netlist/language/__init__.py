"""The language of expressions: parameters and laws are two dialects of it, with a table each.

``lexer`` cuts a text into words and takes numbers and controlling voltages out; ``parser`` makes postfix steps of
them, once for all texts of one shape; ``evaluation`` runs the steps over floats, columns or nodes of a graph;
``dialect`` says what a table holds.
"""
