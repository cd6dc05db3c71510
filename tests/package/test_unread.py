"""A file that cannot be read is told of in the same words, whoever asks for it."""

import json

import pytest

from xbarsim import netlist
from xbarsim.cli import matrix_files
from xbarsim.devices import Table, law
from xbarsim.errors import InputError
from xbarsim.measured import read_iv
from xbarsim.nonideal import load_faults
from xbarsim.programming import WrittenArray
from xbarsim.study import study_file
from xbarsim.unread import unread_reason

READERS = {
    "a netlist": netlist.read,
    "a matrix of text": lambda path: matrix_files.load(path, "conductance"),
    "a fault map": load_faults,
    "a curve": Table.from_csv,
    "measurements": read_iv,
    "a written array": WrittenArray.from_npz,
    "a study": study_file.read,
}


@pytest.mark.parametrize("reader", READERS)
def test_a_missing_file_and_a_folder_are_said_in_the_same_words(tmp_path, reader):
    with pytest.raises(InputError, match=r"gone\.txt: (\w+ ?\w*: )?there is no such file: check the path$"):
        READERS[reader](tmp_path / "gone.txt")
    with pytest.raises(InputError, match=r"(it is a folder: give the path of|it is no file)"):
        READERS[reader](tmp_path)


def test_a_function_of_a_file_that_is_not_there():
    with pytest.raises(InputError, match=r"^gone\.py: function: there is no such file: check the path$"):
        law.function_of("gone.py:f")


def test_other_reasons_name_what_stood_in_the_way():
    assert unread_reason(PermissionError(13, "Permission denied")) == (
        "it cannot be read (Permission denied): give a file that can be read"
    )
    assert unread_reason(NotADirectoryError(20, "Not a directory")) == "there is no such file: check the path"
    with pytest.raises(UnicodeDecodeError) as caught:
        json.loads(b"\xff\xfe\xff".decode())
    assert unread_reason(caught.value) == "it is not a text file: give a file in UTF-8"
