"""Images to train and to test on: found on this machine, never fetched."""

from xbarsim.nn.datasets.dataset import Dataset, Split
from xbarsim.nn.datasets.load import NAMES, load
from xbarsim.nn.datasets.locations import VARIABLE, MissingDataError

__all__ = ["NAMES", "VARIABLE", "Dataset", "MissingDataError", "Split", "load"]
