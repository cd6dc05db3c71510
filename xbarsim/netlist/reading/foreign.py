"""Files that are no SPICE netlist, told by how they begin."""

from __future__ import annotations

import re

from xbarsim.netlist.refusals import NetlistError

_LOOKED_AT = 8192

_BYTES = (
    (rb"\x1f\x8b", "packed by gzip", "unpack it with gunzip"),
    (rb"PK\x03\x04", "a zip archive", "unpack it with unzip"),
    (rb"BZh\d1AY", "packed by bzip2", "unpack it with bunzip2"),
    (rb"\xfd7zXZ\x00", "packed by xz", "unpack it with unxz"),
    (rb"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it"),
    (rb"\x28\xb5\x2f\xfd", "packed by zstd", "unpack it with unzstd"),
    (rb"%PDF-", "a PDF", "copy the netlist in it into a text file"),
    (rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{12}\x28", "a picture", "give the netlist itself"),
    (rb"\x89HDF", "an HDF5 file", "give the netlist itself"),
    (rb"\x93NUMPY", "a NumPy array", "give a conductance matrix with --conductance"),
    (rb"\xd0\xcf\x11\xe0", "an Office document", "copy the netlist in it into a text file"),
    (rb"\x7fELF|MZ.{58}", "a program", "give the netlist itself"),
    (rb"T\x00i\x00t\x00l\x00e\x00:", "LTspice's raw file of results", "give the netlist that it came from"),
)
_EXPORT = "export its netlist"
_TEXTS = (
    (r"version \d+(?:\.\d+)?\s*\nsheet ", "an LTspice schematic", "export its netlist with View > SPICE Netlist"),
    (r"version \d+(?:\.\d+)?\s*\nsymboltype ", "an LTspice symbol", "give the netlist that uses it"),
    (r"title:[^\n]*\ndate:[^\n]*\n(?:command:[^\n]*\n)?plotname:", "a raw file of results",
     "give the netlist that it came from"),
    (r"\(kicad_sch\b", "a KiCad schematic", "export its netlist as SPICE: kicad-cli sch export netlist --format spice"),
    (r"eeschema schematic file|eeschema-library", "a KiCad schematic", f"{_EXPORT} as SPICE"),
    (r"\(export\s+\(version|# eeschema netlist", "a KiCad netlist for boards", f"{_EXPORT} as SPICE instead"),
    (r"\(kicad_pcb\b|\(footprint\b", "a KiCad board", "export the schematic's netlist as SPICE"),
    (r"\(edif\b", "an EDIF netlist", f"{_EXPORT} as SPICE instead"),
    (r"v \{xschem ", "an xschem schematic", f"{_EXPORT}: xschem -n -s -q"),
    (r"v \d{8} \d", "a gEDA or Lepton schematic", f"{_EXPORT}: gnetlist -g spice-sdb"),
    (r"<qucs(?:-s)? (?:schematic|library)", "a Qucs schematic", f"{_EXPORT} as SPICE from Qucs-S"),
    (r"# qucs (?:.*\n)+?(?:\w+:\w+ |\.def:)", "a Qucs netlist", f"{_EXPORT} as SPICE from Qucs-S"),
    (r"magic\s*\ntech ", "a Magic layout", "extract its netlist: ext2spice"),
    (r"<!doctype html|<html", "a web page", "save the netlist itself (the raw text, not its page)"),
    (r"<\?xml|<eagle|<circuit\b", "an XML file", f"{_EXPORT} as SPICE"),
    (r"\{\s*\"[\w ]+\"\s*:|\[\s*\{", "a JSON file", "give a SPICE netlist"),
    (r"#!", "a script", "run it, and give the netlist that it writes"),
    (r"\$data1\b|\$&%#", "HSPICE's file of results", "give the netlist that it came from"),
)  # fmt: skip
_LINES = (
    (r"simulator\s+lang\s*=\s*spectre|//\s*generated for:\s*spectre", "a Spectre netlist",
     "write it in SPICE: Cadence's netlister can (simulator hspiceD or auCdl)"),
    (r"`include\s+\"(?:disciplines|constants)\.(?:vams|h|va)\"", "Verilog-A",
     "write its law as a subcircuit with B sources"),
)  # fmt: skip
_LATER_LINES = (
    (r"(?:module|macromodule)\s+\w+\s*\(", "Verilog", "write its law as a subcircuit with B sources"),
    (r"import\s+[\w.]+(?:\s+as\s+\w+)?[ \t]*$|from\s+[\w.]+\s+import\s", "a Python program",
     "run it, and give the netlist that it writes"),
)  # fmt: skip
"""Not in the first line, which may be a title of such words."""
_BINARY = [(re.compile(pattern, re.DOTALL), kind, way) for pattern, kind, way in _BYTES]
_BEGINNINGS = [(re.compile(rf"\s*(?:{pattern})"), kind, way) for pattern, kind, way in _TEXTS]
_ANYWHERE = [(re.compile(rf"^[ \t]*(?:{pattern})", re.MULTILINE), kind, way) for pattern, kind, way in _LINES]
_LATER = [(re.compile(rf"\n[ \t]*(?:{pattern})", re.MULTILINE), kind, way) for pattern, kind, way in _LATER_LINES]


def check_foreign(data: bytes, file: str) -> None:
    """Refuse a file that begins as no netlist does.

    Raises
    ------
    NetlistError
        The message says what it is and what to do.
    """
    beginning = data[:_LOOKED_AT]
    for pattern, kind, way in _BINARY:
        if pattern.match(beginning):
            raise NetlistError(f"it is {kind} (binary data), no netlist: {way}", file)
    text = beginning.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").lower()
    for patterns, matches in ((_BEGINNINGS, re.Pattern.match), ([*_ANYWHERE, *_LATER], re.Pattern.search)):
        for form, kind, way in patterns:
            if matches(form, text):
                raise NetlistError(f"it is {kind}, no SPICE netlist: {way}", file)
