"""Cards of SPICE dialects that are known by name: noted where no number of an operating point depends on them."""

from __future__ import annotations

ANALYSES = {
    ".ac": "a small-signal analysis",
    ".acmatch": "HSPICE's mismatch analysis",
    ".dcmatch": "HSPICE's mismatch analysis",
    ".disto": "a distortion analysis",
    ".hb": "harmonic balance",
    ".lin": "HSPICE's network analysis",
    ".lstb": "HSPICE's loop stability",
    ".mpde": "Xyce's multi-time analysis",
    ".net": "a network analysis",
    ".noise": "a noise analysis",
    ".phasenoise": "a noise analysis",
    ".pss": "a periodic steady state",
    ".pz": "a pole-zero analysis",
    ".sens": "a sensitivity analysis",
    ".sn": "shooting Newton",
    ".sp": "an S-parameter analysis",
    ".tf": "a transfer function",
    ".xf": "a transfer function",
}
"""Analyses that are left out where there is another one."""

OUTPUT = (
    ".aliases", ".backanno", ".dout", ".endaliases", ".ferret", ".fft", ".four", ".fourier",
    ".graph", ".hist", ".lis", ".list", ".machine", ".nopage", ".page", ".prot", ".protect", ".psf", ".result",
    ".savebias", ".sens_out", ".text", ".unprot", ".unprotect", ".view", ".watch", ".wave", ".width",
)  # fmt: skip
"""Cards that print, save or hide; the numbers stay."""

_LIST = "write the values as '.dc ... list' or '.step param name list 1 2 3'"
_MONTE = "write agauss() and its like in .param, and '.dc ... sweep monte=100'"
_VERILOG = "write its law as a subcircuit with B sources"
UNSUPPORTED = {
    ".alter": ("HSPICE's change of the netlist", "write each variant as a netlist of its own, or use .step"),
    ".appendmodel": ("HSPICE's addition to models", "write its parameters in the .model"),
    ".biaschk": ("HSPICE's check of voltages", "remove it"),
    ".connect": ("HSPICE's tie of two nodes", "put a source of 0 V between them"),
    ".data": ("HSPICE's table of points", _LIST),
    ".dcvolt": ("HSPICE's .ic", "write .ic v(node)=value"),
    ".del": ("HSPICE's removal of a library", "remove it, with what it removes"),
    ".delete": ("HSPICE's removal of a library", "remove it, with what it removes"),
    ".distribution": ("PSpice's random distribution", _MONTE),
    ".embeddedsampling": ("Xyce's sampling", _MONTE),
    ".enddata": ("the end of HSPICE's table of points", _LIST),
    ".external": ("PSpice's mark of outer nodes", "remove it"),
    ".global_param": ("Xyce's .param", "write .param"),
    ".hdl": ("a Verilog-A file", _VERILOG),
    ".init": ("Xyce's .ic", "write .ic v(node)=value"),
    ".loadbias": ("a first guess from a file", "remove it; IC= or .ic holds a state"),
    ".malias": ("HSPICE's second name of a model", "write the model under that name too"),
    ".mc": ("PSpice's Monte Carlo", _MONTE),
    ".optimize": ("an optimization", "remove it"),
    ".osdi": ("a compiled Verilog-A model", _VERILOG),
    ".pce": ("Xyce's polynomial chaos", _MONTE),
    ".pre_osdi": ("a compiled Verilog-A model", _VERILOG),
    ".preprocess": ("Xyce's change of the netlist", "make the change in the netlist (ground is 0 and gnd)"),
    ".sampling": ("Xyce's sampling", _MONTE),
    ".stim": ("HSPICE's output of stimuli", "remove it"),
    ".stimulus": ("PSpice's waveform", "write it as PWL or PULSE of the source"),
    ".stmlib": ("PSpice's file of waveforms", "write them as PWL or PULSE of the sources"),
    ".variation": ("HSPICE's variation block", _MONTE),
    ".vec": ("HSPICE's file of digital stimuli", "write them as PWL or PULSE of the sources"),
    ".vector": ("PSpice's digital output", "remove it"),
    ".verilog": ("a Verilog file", _VERILOG),
    ".wcase": ("PSpice's worst case", "write each case as a netlist of its own, or use .step"),
}
"""Cards that change the circuit or ask for what there is not: what they are, and the way out."""
