"""The rooms of the fixed bank; each gives its cases by name."""
