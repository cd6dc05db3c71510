"""Settings that change nothing because of another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from xbarsim.nn.cell_law import CellLaw
from xbarsim.nn.hardware_parts import Converter, Mapping, Wires
from xbarsim.nonideal import Nonidealities, Variation

_Idle = Iterator[tuple[str, str]]


def idle(
    cells: Nonidealities, law: CellLaw, wires: Wires, mapping: Mapping, adc: Converter, fidelity: str
) -> dict[str, str]:
    """Return the settings that change nothing, ``wires.word``, each with the one that makes it so, ``fidelity``.

    Parameters
    ----------
    cells : Nonidealities
        What is frozen and drawn.
    law : CellLaw
        Of the cells' currents.
    wires : Wires
        Ohms of wires and ends.
    mapping : Mapping
        How weights become conductances.
    adc : Converter
        Behind the columns.
    fidelity : str
        How the circuit is computed.
    """
    pairs = [*_of_circuit(cells, law, wires, fidelity), *_of_converters(mapping, adc)]
    pairs += [(f"cells.{name}", f"cells.{cause}") for name, cause in (*_of_faults(cells), *_of_draws(cells))]
    pairs += _of_planes(cells, mapping)
    return dict(pairs)


def _of_circuit(cells: Nonidealities, law: CellLaw, wires: Wires, fidelity: str) -> _Idle:
    if fidelity != "accurate":
        parts = {"cells.breaks": cells.breaks, "cells.shorts": cells.shorts}
        for part, settings in (parts | {"wires": wires} if fidelity == "ideal" else parts).items():
            for setting in fields(settings) if settings else ():
                yield f"{part}.{setting.name}", "fidelity"
    if fidelity == "closed":
        yield from (("wires.word", "fidelity"), ("wires.bit", "fidelity"))
    for name in law.idle:
        yield f"law.{name}", "law.kind"


def _of_planes(cells: Nonidealities, mapping: Mapping) -> _Idle:
    if mapping.kind != "reference":
        yield "mapping.reference_faults", "mapping.kind"
    elif cells.faults is None or cells.faults.rate == 0.0:
        yield "mapping.reference_faults", "cells.faults" if cells.faults is None else "cells.faults.rate"
    if cells.variation is not None and cells.variation.sigma == 0.0:
        yield "cells.variation.shared", "cells.variation.sigma"
    elif cells.variation is not None and mapping.kind != "differential" and mapping.slices == 1:
        yield "cells.variation.shared", "mapping.kind"


def _of_converters(mapping: Mapping, adc: Converter) -> _Idle:
    if mapping.slices == 1:
        yield "mapping.slice_bits", "mapping.slices"
    if adc.bits is None:
        yield "adc.range", "adc.bits"
        yield "adc.per", "adc.bits"
    elif adc.range not in ("calibrated", "batch"):
        yield "adc.per", "adc.range"


def _of_faults(cells: Nonidealities) -> _Idle:
    faults = cells.faults
    if faults is None:
        return
    if faults.rate == 0.0:
        for setting in fields(faults):
            if setting.name != "rate":
                yield f"faults.{setting.name}", "faults.rate"
        return
    if faults.clustering == 0.0:
        yield "faults.along", "faults.clustering"
        yield "faults.length", "faults.clustering"
    if faults.lrs_rate == 0.0:
        yield "faults.lrs_ohms", "faults.ocr"
    if faults.hrs_rate == 0.0:
        yield "faults.hrs_ohms", "faults.ocr"


def _of_draws(cells: Nonidealities) -> _Idle:
    for name in ("variation", "cycle_variation"):
        spread: Variation | None = getattr(cells, name)
        if spread is not None and spread.sigma == 0.0:
            for setting in ("kind", "of", "floor"):
                yield f"{name}.{setting}", f"{name}.sigma"
        elif spread is not None and spread.kind == "lognormal":
            yield f"{name}.floor", f"{name}.kind"
    if cells.levels and cells.levels.count == 2:
        yield "levels.spacing", "levels.count"
    if cells.write_verify and cells.write_verify.max_pulses == 1:
        yield "write_verify.shrink", "write_verify.max_pulses"
    if cells.drift and cells.drift.nu == cells.drift.nu_sigma == 0.0:
        yield "drift.t0", "drift.nu"
    yield from _of_read_noise(cells)
    if cells.shorts and cells.shorts.word_rate == cells.shorts.bit_rate == 0.0:
        yield "shorts.ohms", "shorts.bit_rate"


def _of_read_noise(cells: Nonidealities) -> _Idle:
    noise = cells.read_noise
    if noise is None:
        return
    if noise.of_currents:
        yield "read_noise.sigma", "read_noise.kind"
        if noise.flicker == 0.0:
            yield "read_noise.lowest", "read_noise.flicker"
        return
    for name in ("bandwidth", "temperature", "flicker", "lowest"):
        yield f"read_noise.{name}", "read_noise.kind"
    if noise.sigma == 0.0:
        yield "read_noise.kind", "read_noise.sigma"
