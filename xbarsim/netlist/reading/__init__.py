"""Text to circuit: lines, cards, expressions, subcircuits."""
