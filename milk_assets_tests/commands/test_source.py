"""The command line: what it prints, writes and returns, in processes of its own where signals count."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pandas as pd
import pytest
import requests

from milk_assets.__main__ import main
from milk_assets.sniim.samples.generate import sample_workbook
from milk_assets.sniim.samples.publisher import GeneratedWorkbooks, Publisher

MONDAY = date(2024, 1, 8)


@pytest.fixture
def workbook(tmp_path):
    path = tmp_path / "Leche08012024.xlsx"
    path.write_bytes(sample_workbook(MONDAY))
    return path


@contextmanager
def publishing(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A publisher in a process of its own, and the address it prints."""
    command = [sys.executable, "-m", "milk_assets", "publish", "--port", "0", "--until", "2024-01-05", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip() + process.stdout.readline()
        finally:
            process.kill()


def test_reading_a_workbook_writes_its_prices_and_says_what_they_are(workbook, tmp_path, capsys):
    out = tmp_path / "prices.parquet"
    assert main(["read", str(workbook), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "3 publications, 2024-01-03 to 2024-01-08, sample data" in printed
    assert "series: 216, with a price on 2024-01-08: 185" in printed
    assert "12 of 12 column averages match their cities" in printed
    assert re.search(r"648 rows in \d+\.\d\d s", printed)
    assert len(pd.read_parquet(out)) == 648
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Leche08012024.xlsx", "prices.parquet"]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"<html>Runtime Error</html>", "found a web page"),
        (sample_workbook(date(2024, 1, 5)), "expected the newest block to be of 2024-01-08, found 2024-01-05"),
        (sample_workbook(MONDAY)[:5000], "cut short or damaged"),
    ],
    ids=["web page", "another day", "cut short"],
)
def test_a_workbook_that_is_not_proven_is_refused_and_nothing_is_written(workbook, tmp_path, capsys, content, error):
    workbook.write_bytes(content)
    out = tmp_path / "prices.parquet"
    out.write_bytes(b"earlier")
    assert main(["read", str(workbook), "--out", str(out)]) == 1
    printed = capsys.readouterr()
    assert error in printed.err
    assert printed.err.startswith("milk: Leche08012024.xlsx")
    assert printed.out == ""
    assert out.read_bytes() == b"earlier"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_that_is_not_there_and_a_folder_that_is_not_there_are_refused(workbook, tmp_path, capsys):
    assert main(["read", str(tmp_path / "none.xlsx"), "--out", str(tmp_path / "x.parquet")]) == 1
    assert "expected a workbook at" in capsys.readouterr().err
    assert main(["read", str(workbook), "--out", str(tmp_path / "none" / "x.parquet")]) == 1
    assert "could not be written" in capsys.readouterr().err


def test_advance_moves_a_running_publisher(capsys):
    with Publisher(GeneratedWorkbooks(), until=date(2024, 1, 5)) as site:
        assert main(["advance", "--port", str(site.port)]) == 0
        assert main(["advance", "--port", str(site.port), "--to", "2024-01-31"]) == 0
        assert site.until == date(2024, 1, 31)
        assert main(["advance", "--port", str(site.port), "--to", "2024-01-03"]) == 1
        port = site.port
    printed = capsys.readouterr()
    assert printed.out.splitlines() == ["publications up to 2024-01-08 are shown", "publications up to 2024-01-31 are shown"]
    assert "a publication cannot be taken back" in printed.err
    assert main(["advance", "--port", str(port)]) == 1
    assert f"expected a publisher on port {port}, found none" in capsys.readouterr().err


def test_a_port_in_use_is_refused_with_what_to_do(capsys):
    with Publisher(GeneratedWorkbooks(), until=MONDAY) as site:
        assert main(["publish", "--until", "2024-01-05", "--port", str(site.port)]) == 1
    assert f"port {site.port} is in use: stop the program that listens there, or choose another --port" in capsys.readouterr().err


def test_a_shelf_that_cannot_be_served_is_refused(tmp_path, capsys):
    assert main(["publish", "--folder", str(tmp_path / "none")]) == 1
    assert main(["publish", "--workbook", str(tmp_path / "none.xlsx")]) == 1
    (tmp_path / "bad.xlsx").write_bytes(b"")
    assert main(["publish", "--workbook", str(tmp_path / "bad.xlsx")]) == 1
    errors = capsys.readouterr().err
    assert "expected a folder of workbooks" in errors
    assert "none.xlsx" in errors
    assert "found an empty file" in errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_publisher_serves_until_it_is_stopped(number, workbook):
    with publishing("--workbook", str(workbook)) as (process, printed):
        address = printed.split("/LecheDDMMYYYY.xlsx")[0]
        assert "publications up to 2024-01-05 are shown; the next one: milk advance" in printed
        assert requests.get(f"{address}/Leche05012024.xlsx", timeout=5).content == sample_workbook(date(2024, 1, 5))
        process.send_signal(number)
        rest, errors = process.communicate(timeout=10)
        assert (process.returncode, rest, errors) == (0, "stopped\n", "")
