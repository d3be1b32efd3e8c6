"""Files as programs write them: encodings, delimiters, quotes, and what is no file at all."""

from __future__ import annotations

import io
import json

import pytest
from django.core.exceptions import ValidationError

from crm.core.imports import reading
from crm.core.imports.reading import look_at, read
from tests.shared_data import shared


def rows_of(data: bytes):
    file = io.BytesIO(data)
    found = look_at(file)
    return found, list(read(file, found))


def cells(data: bytes):
    return [line.cells for line in rows_of(data)[1]]


UMLAUTS = "Name;Ort\r\nMüller;Köln\r\nWeiß;Gießen\r\n"


@pytest.mark.parametrize(
    ("data", "encoding", "delimiter", "expected"),
    [
        (UMLAUTS.encode(), "utf-8", ";", [["Müller", "Köln"], ["Weiß", "Gießen"]]),
        (UMLAUTS.encode("utf-8-sig"), "utf-8-sig", ";", [["Müller", "Köln"], ["Weiß", "Gießen"]]),
        (UMLAUTS.encode("utf-16"), "utf-16", ";", [["Müller", "Köln"], ["Weiß", "Gießen"]]),
        (UMLAUTS.encode("utf-16-le"), "utf-16-le", ";", [["Müller", "Köln"], ["Weiß", "Gießen"]]),
        (UMLAUTS.encode("utf-16-be"), "utf-16-be", ";", [["Müller", "Köln"], ["Weiß", "Gießen"]]),
        (UMLAUTS.encode("cp1252"), "cp1252", ";", [["Müller", "Köln"], ["Weiß", "Gießen"]]),
        ("Name;Ort\nЮлия;Москва\nИван;Тула\n".encode("cp1251"), "cp1251", ";", [["Юлия", "Москва"], ["Иван", "Тула"]]),
        (b"a,b\n1,2\n", "utf-8", ",", [["1", "2"]]),
        (b"a\tb\n1,5\t2\n", "utf-8", "\t", [["1,5", "2"]]),
        (b"a|b\n1|2\n", "utf-8", "|", [["1", "2"]]),
        (b'a;b\n"1,2,3";"4,5"\n"6,7,8";x\n', "utf-8", ";", [["1,2,3", "4,5"], ["6,7,8", "x"]]),
        (b"Name\nAnna Berg\nBen, the dog\n", "utf-8", ",", None),  # one column: see below
        (b"a,b\r1,2\r3,4\r", "utf-8", ",", [["1", "2"], ["3", "4"]]),
        (b'a,b\n"x ""y""","line 1\r\nline 2"\n', "utf-8", ",", [['x "y"', "line 1\r\nline 2"]]),
        (b"a,b\n\n , \n1,2\n\n", "utf-8", ",", [["1", "2"]]),
        (b"a,b\n=1+1,+4366212345\n", "utf-8", ",", [["=1+1", "+4366212345"]]),
    ],
)
def test_how_it_is_written(data, encoding, delimiter, expected):
    found, lines = rows_of(data)
    assert (found.encoding, found.delimiter) == (encoding, delimiter)
    if expected is not None:
        assert [line.cells for line in lines] == expected
        assert not any(line.problem for line in lines)


@pytest.mark.parametrize("data", [b"Name\nAnna\nBen\n", b"Name\r\nAnna\r\nBen", b"\xef\xbb\xbfName\nAnna\nBen\n"])
def test_one_column(data):
    assert cells(data) == [["Anna"], ["Ben"]]


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"\n\n\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"Name,Ort\n", "no rows"),
        (b"Name,Ort\n\n ,\n", "no rows"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 400, "no text"),
        (b"\xff\xfe" + "Name\nAnna\n".encode("utf-32-le"), "no text"),  # a wrong mark
        (",".join(f"c{n}" for n in range(501)).encode() + b"\n1\n", "500"),
    ],
)
def test_what_is_refused(data, word):
    with pytest.raises(ValidationError, match=word):
        look_at(io.BytesIO(data))


def test_rows_know_their_line_and_their_number():
    lines = rows_of(b'a,b\n\n1,"x\ny"\n2,z\n')[1]
    assert [(line.row, line.line) for line in lines] == [(1, 3), (2, 5)]


def test_ragged_rows():
    """Short ones lack their last cells; long ones are wrong only if what is too much holds something."""
    lines = rows_of(b"a,b,c\n1,2,3\n1\n1,2,3,,\n1,2,3,4\n")[1]
    assert [bool(line.problem) for line in lines] == [False, False, False, True]


def test_a_huge_cell_spoils_its_row_only():
    lines = rows_of(b"a,b\n1," + b"x" * (reading.LONGEST_CELL + 10) + b"\n2,y\n")[1]
    assert "too long" in lines[0].problem
    assert lines[-1].cells == ["2", "y"]


def test_it_goes_on_after_a_row():
    file = io.BytesIO(b"a,b\n1,2\n\n3,4\n5,6\n")
    found = look_at(file)
    assert [line.cells[0] for line in read(file, found, after=1)] == ["3", "5"]
    assert [line.cells[0] for line in read(file, found, after=3)] == []


def test_notes_before_the_headings_are_no_headings():
    data = b'Notes:\n"When exporting your connection data, some, of it"\n\nFirst Name,Last Name,URL\nAnna,Berg,x\nBen,Tal,y\nCora,Au,z\n'
    found, lines = rows_of(data)
    assert found.headings == ["First Name", "Last Name", "URL"]
    assert len(lines) == 3


def test_csv_spectrum():
    right, folder = 0, shared("csv/csv-spectrum/csvs")
    for path in sorted(folder.glob("*.csv")):
        found, lines = rows_of(path.read_bytes())
        rows = [dict(zip(found.headings, line.cells, strict=False)) for line in lines]
        right += rows == json.loads((folder.parent / "json" / f"{path.stem}.json").read_text())
    assert right >= 10  # two are wrong upstream


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("main/resources/samples/data/accountData.csv", 423),
        ("main/resources/samples/data/opportunityData.csv", 38),
        ("test/resources/testfiles/data/20kRows.csv", 20_000),
        ("test/resources/testfiles/data/csvtext_BOM_UTF8.csv", 2),
        ("test/resources/testfiles/data/csvtext_BOM_UTF16LE.csv", 2),
        ("test/resources/testfiles/data/csvtext_BOM_UTF16BE.csv", 2),
    ],
)
def test_data_loader(name, rows):
    lines = rows_of(shared(f"sales/salesforce_dataloader/{name}").read_bytes())[1]
    assert len(lines) == rows
    assert not [line for line in lines if line.problem]


@pytest.mark.parametrize("code", ["UTF32LE", "UTF32BE"])
def test_wrong_marks_are_refused(code):
    path = shared(f"sales/salesforce_dataloader/test/resources/testfiles/data/csvtext_BOM_{code}.csv")
    with pytest.raises(ValidationError, match="no text"):
        look_at(path.open("rb"))


def test_thunderbird_writes_the_same_in_both():
    folder = shared("contacts/google_outlook")
    assert rows_of((folder / "ThunderbirdAnsi.csv").read_bytes())[1] == rows_of((folder / "ThunderbirdUtf8.csv").read_bytes())[1]
