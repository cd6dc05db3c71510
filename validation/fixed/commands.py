"""The command line beside netlists: matrices, export, margin, train and infer, help texts."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from fixed.circuits import spread, volts
from fixed.console import run, timeless
from fixed.netlists import crossbar
from fixed.record import Case


def csv(array: Any) -> str:
    return "\n".join(",".join(repr(float(number)) for number in row) for row in array) + "\n"


FILES = {
    "g.csv": csv(spread(6, 4).conductance),
    "v.csv": csv([volts(1, 6)]),
    "batch.csv": csv(volts(1, 3, 6)),
    "wire.csv": csv(spread(6, 4).word_wire),
    "bad.csv": "1,2\n3\n",
    "curve.csv": "Voltage (mV);I [uA]\n-300;-40\n-100;-9\n0;0\n100;10\n300;50\n600;300\n",
    "side.csv": "V,I\n0.05,4e-6\n0.1,1e-5\n0.3,5e-5\n0.6,3e-4\n",
}
GIVEN = ("--conductance", "g.csv", "--voltages", "v.csv")
LINES = ("--word-wire", "1", "--bit-wire", "2", "--driver", "10", "--sense", "5")
CURVE = ("--sizes", "3", "--device", "table", "--curve", "curve.csv", "--read-voltage", "0.9")
SMALL = ("--sizes", "3,4x6", "--schemes", "floating,half,third")

COMMANDS: dict[str, tuple[str, ...]] = {
    "solve table": ("solve", *GIVEN, *LINES),
    "solve json": ("solve", *GIVEN, *LINES, "--format", "json"),
    "solve csv": ("solve", *GIVEN, *LINES, "--format", "csv"),
    "solve raw": ("solve", *GIVEN, *LINES, "--format", "raw", "-o", "y.raw"),
    "solve quiet": ("solve", *GIVEN, *LINES, "-q"),
    "solve picture": ("solve", *GIVEN, *LINES, "--plot", "p.png"),
    "solve a batch": ("solve", *GIVEN[:2], "--voltages", "batch.csv", "--format", "json"),
    "solve a batch as table": ("solve", *GIVEN[:2], "--voltages", "batch.csv"),
    "solve wires of a file": ("solve", *GIVEN, "--word-wire", "wire.csv", "--format", "json"),
    "solve by kron": ("solve", *GIVEN, *LINES, "--method", "kron", "--format", "json"),
    "solve by reference": ("solve", *GIVEN, *LINES, "--method", "reference"),
    "solve open drivers": ("solve", *GIVEN, "--driver", "inf", "--format", "json"),
    "solve bad ohms": ("solve", *GIVEN, "--driver", "-3"),
    "solve ohms in words": ("solve", *GIVEN, "--driver", "much"),
    "solve no file": ("solve", "--conductance", "h.csv", "--voltages", "v.csv"),
    "solve bad file": ("solve", "--conductance", "bad.csv", "--voltages", "v.csv"),
    "solve nothing": ("solve",),
    "solve twice": ("solve", *GIVEN, "--netlist", "x.sp"),
    "solve without voltages": ("solve", *GIVEN[:2]),
    "solve unknown method": ("solve", *GIVEN, "--method", "lu"),
    "solve unknown option": ("solve", "--speed", "9"),
    "solve netlist with ohms": ("solve", "--netlist", "x.sp", "--driver", "3"),
    "solve netlist without file": ("solve", "--netlist", "none.sp"),
    "solve nodes of none": ("solve", "--netlist", "x.sp", "--nodes", "zzz*"),
    "solve to a folder that is not": ("solve", *GIVEN, "-o", "none/y.txt"),
    "solve raw to a terminal": ("solve", *GIVEN, "--format", "raw"),
    "solve picture of no kind": ("solve", *GIVEN, "--plot", "p.txt"),
    "export": ("export", *GIVEN, *LINES, "-o", "y.sp"),
    "export without output": ("export", *GIVEN),
    "unknown command": ("dissolve",),
    "version": ("--version",),
    "margin": ("margin", *SMALL),
    "margin json": ("margin", *SMALL, "--format", "json"),
    "margin csv": ("margin", *SMALL, "--format", "csv"),
    "margin picture": ("margin", "--sizes", "3,4", "--plot", "p.png"),
    "margin sinh": ("margin", *SMALL, "--device", "sinh", "--v0", "0.2", "--format", "json"),
    "margin selector": ("margin", *SMALL, "--device", "selector", "--i0", "1n", "--v0", "30m", "--format", "json"),
    "margin transistor": ("margin", *SMALL, "--device", "transistor", "--gate", "1.2", "--lam", "0.1"),
    "margin table": ("margin", *SMALL, "--device", "table", "--curve", "curve.csv", "--format", "json"),
    "margin table, beyond": ("margin", *CURVE),
    "margin table, refused": ("margin", *CURVE, "--extend", "error"),
    "margin table, one side": ("margin", *SMALL, "--device", "table", "--curve", "side.csv", "--extend", "odd"),
    "margin load": ("margin", *SMALL, "--load", "1k", "--word-wire", "2", "--bit-wire", "3"),
    "margin corners": (
        "margin", "--sizes", "4", "--schemes", "mvm,half+both", "--cell", "corners", "--patterns", "same",
    ),
    "margin 1M": ("margin", "--r-off", "1M"),
    "margin unknown scheme": ("margin", "--schemes", "quarter"),
    "margin unknown size": ("margin", "--sizes", "4x"),
    "margin v0 of none": ("margin", "--v0", "0.2"),
    "margin without curve": ("margin", "--device", "table"),
    "margin cell outside": ("margin", "--sizes", "3", "--cell", "9,9"),
    "infer unknown data": ("infer", "--data", "none"),
    "infer unknown setting": ("infer", "--set", "wires.words=2"),
    "infer idle setting": ("infer", "--set", "adc.per=tile"),
    "infer unknown hardware": ("infer", "--hardware", "rram-7"),
    "infer unknown model": ("infer", "--model", "perceptron"),
    "infer drift without time": ("infer", "--set", "cells.drift.nu=0.05"),
    "infer time without drift": ("infer", "--time", "3"),
    "train nothing": ("train",),
    "train unknown": ("train", "--model", "perceptron", "--data", "digits", "-o", "m.pt"),
    "validate nothing": ("validate", "--only", "no such circuit"),
}  # fmt: skip

INFERENCES: dict[str, tuple[str, ...]] = {
    "plain": (),
    "wires": ("--set", "wires.word=4", "--set", "wires.bit=4", "--set", "cells.variation.sigma=0.2", "--seeds", "2"),
    "8 bits": ("--hardware", "rram-64-8bit", "--seeds", "1"),
    "ideal": (
        "--fidelity",
        "ideal",
        "--set",
        "cells.faults.rate=0.1",
        "--set",
        "mapping.kind=reference",
        "--seeds",
        "2",
    ),
    "drift": ("--set", "cells.drift.nu=0.05", "--time", "1", "--time", "3600", "--compensate-drift", "--seeds", "1"),
}


def learned(model: str, *options: str) -> dict[str, Any]:
    """Train for an epoch and run the checkpoint through each hardware."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.pt"
        words = ("--model", model, "--data", "digits", "--epochs", "1", "--limit", "128", *options)
        values = {"train": run("train", *words, "-o", path, "--json")}
        values |= {"resumed": run("train", "--resume", path, "--epochs", "2", "--json")}
        for name, more in INFERENCES.items():
            inference = run("infer", "--model", path, "--data", "digits", "--limit", "40", "--json", *more)
            values[name] = inference
        values["table"] = run("infer", "--model", path, "--data", "digits", "--limit", "20", "--seeds", "1")
    return {name: _plain(part, folder) for name, part in values.items()}


def _plain(part: dict[str, Any], folder: str) -> dict[str, Any]:
    return {name: value.replace(folder, "FOLDER") if isinstance(value, str) else value for name, value in part.items()}


def process(*arguments: str) -> dict[str, Any]:
    """Run the command as a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "x.sp").write_text(f"title\n{crossbar()}", encoding="utf-8")
        Path(folder, "g.csv").write_text(FILES["g.csv"], encoding="utf-8")
        Path(folder, "v.csv").write_text(FILES["v.csv"], encoding="utf-8")
        command = [sys.executable, "-m", "xbarsim", *arguments]
        completed = subprocess.run(
            command, cwd=folder, env=dict(os.environ), capture_output=True, timeout=120, check=False
        )
    return {
        "code": completed.returncode,
        "out": timeless(completed.stdout.decode()),
        "notes": completed.stderr.decode(),
    }


def cases() -> dict[str, Case]:
    bank: dict[str, Case] = {}
    files = FILES | {"x.sp": f"title\n{crossbar()}"}
    for name, arguments in COMMANDS.items():
        bank[name] = partial(run, *arguments, files=files)
    bank["help"] = partial(run, "--help")
    for command in ("export", "infer", "margin", "solve", "train", "validate"):
        bank[f"help of {command}"] = partial(run, command, "--help")
    bank["process, netlist"] = partial(process, "solve", "--netlist", "x.sp", "--format", "json")
    bank["process, matrices"] = partial(process, "solve", *GIVEN, *LINES, "--format", "csv")
    bank["process, refused"] = partial(process, "solve", "--netlist", "none.sp")
    bank["learned mlp"] = partial(learned, "mlp", "--width", "0.25")
    bank["learned lenet"] = partial(learned, "lenet", "--width", "0.5")
    bank["learned binary-mlp"] = partial(learned, "binary-mlp", "--width", "0.125")
    bank["learned resnet-8"] = partial(learned, "resnet-8", "--width", "0.125")
    return bank
