"""The command line: parse, call the library, print."""

from xbarsim.cli.command_line import main

__all__ = ["main"]
