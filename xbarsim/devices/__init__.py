"""What a cell does between its word-line node and its bit-line node."""

from xbarsim.devices.base import Device
from xbarsim.devices.dynamic import DynamicDevice
from xbarsim.devices.dynamic_law import DynamicLaw
from xbarsim.devices.dynamic_verilog_a import DynamicVerilogA
from xbarsim.devices.ion_drift import IonDrift
from xbarsim.devices.law import Law
from xbarsim.devices.ohmic import Linear
from xbarsim.devices.option import Option
from xbarsim.devices.registry import model, models, register
from xbarsim.devices.selector import Selector
from xbarsim.devices.sinh import Sinh
from xbarsim.devices.sky130 import Sky130
from xbarsim.devices.stanford import Stanford
from xbarsim.devices.table import Table
from xbarsim.devices.transistor import Transistor
from xbarsim.devices.verilog_a import VerilogA
from xbarsim.devices.vteam import VTEAM
from xbarsim.devices.yakopcic import Yakopcic

__all__ = [
    "VTEAM",
    "Device",
    "DynamicDevice",
    "DynamicLaw",
    "DynamicVerilogA",
    "IonDrift",
    "Law",
    "Linear",
    "Option",
    "Selector",
    "Sinh",
    "Sky130",
    "Stanford",
    "Table",
    "Transistor",
    "VerilogA",
    "Yakopcic",
    "model",
    "models",
    "register",
]
