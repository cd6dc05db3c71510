"""SPICE subcircuits (``.sub``), each the twin of a device model in :mod:`xbarsim.devices`."""
