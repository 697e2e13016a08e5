"""The sample publisher: what it serves, what it does not, and how it moves on."""

import http.client
import json
import os
from datetime import UTC, date, datetime

import pytest

from milk_assets.settings import SAMPLE_PORT, SAMPLE_SOURCE
from milk_assets.sniim.names import SOURCE_FOLDER, file_name
from milk_assets.sniim.samples.generate import sample_workbook
from milk_assets.sniim.samples.publisher import HOST, CutShelf, FolderShelf, Publisher, SampleShelf
from milk_assets.sniim.workbook import WorkbookError, read_workbook

FRIDAY, MONDAY, WEDNESDAY = date(2024, 1, 5), date(2024, 1, 8), date(2024, 1, 10)


class Answer:
    def __init__(self, site: Publisher, path: str, method: str = "GET") -> None:
        connection = http.client.HTTPConnection(HOST, site.port, timeout=5)
        connection.request(method, path)
        response = connection.getresponse()
        self.status, self.headers, self.body = response.status, response.headers, response.read()
        connection.close()


def of(site: Publisher, day: date, method: str = "GET") -> Answer:
    return Answer(site, f"/{SOURCE_FOLDER}/{file_name(day)}", method)


@pytest.fixture
def shelf_folder(tmp_path):
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / file_name(FRIDAY)).write_bytes(b"as it is")
    (folder / file_name(WEDNESDAY)).write_bytes(sample_workbook(FRIDAY))
    (folder / "notes.txt").write_text("private")
    (tmp_path / file_name(MONDAY)).write_bytes(b"outside")
    return folder


def test_a_generated_workbook_is_served_for_every_publication_date_up_to_now():
    with Publisher(SampleShelf(), until=MONDAY) as site:
        answer = of(site, MONDAY)
        assert (answer.status, answer.body) == (200, sample_workbook(MONDAY))
        assert answer.headers["Content-Length"] == str(len(answer.body))
        assert answer.headers["Last-Modified"] == "Mon, 08 Jan 2024 18:00:00 GMT"
        assert "spreadsheetml" in answer.headers["Content-Type"]
        assert of(site, FRIDAY).status == 200
        assert of(site, WEDNESDAY).status == 404
        assert of(site, date(2024, 1, 4)).status == 404, "a Thursday"
        assert of(site, date(2024, 1, 1)).status == 404, "before the first"


def test_head_answers_like_get_without_the_body():
    with Publisher(SampleShelf(), until=MONDAY) as site:
        head, get = of(site, MONDAY, "HEAD"), of(site, MONDAY)
        assert (head.status, head.body) == (200, b"")
        assert [head.headers[name] for name in ("Content-Length", "Last-Modified")] == [
            get.headers[name] for name in ("Content-Length", "Last-Modified")
        ]
        assert of(site, WEDNESDAY, "HEAD").status == 404


def test_a_missing_file_gives_a_web_page_as_the_source_does():
    with Publisher(SampleShelf(), until=MONDAY) as site:
        answer = of(site, WEDNESDAY)
        assert answer.headers["Content-Type"].startswith("text/html")
        assert b"The resource cannot be found" in answer.body


def test_the_site_moves_on_when_told_or_asked():
    with Publisher(SampleShelf(), until=FRIDAY) as site:
        assert json.loads(Answer(site, "/advance", "POST").body) == {"until": "2024-01-08"}
        assert of(site, MONDAY).status == 200
        assert json.loads(Answer(site, "/advance?to=2024-01-31", "POST").body) == {"until": "2024-01-31"}
        site.until = FRIDAY
        assert of(site, MONDAY).status == 404


@pytest.mark.parametrize(
    ("query", "error"),
    [("?to=2024-01-03", "what was published stays"), ("?to=soon", "Invalid isoformat"), ("?to=2024-13-01", "month")],
)
def test_the_site_does_not_move_to_a_date_that_is_none_or_past(query, error):
    with Publisher(SampleShelf(), until=FRIDAY) as site:
        answer = Answer(site, f"/advance{query}", "POST")
        assert answer.status == 409
        assert error in json.loads(answer.body)["error"]
        assert site.until == FRIDAY


def test_asking_to_move_on_takes_a_post_at_the_right_address():
    with Publisher(SampleShelf(), until=FRIDAY) as site:
        assert Answer(site, "/advance").status == 404
        assert Answer(site, "/elsewhere", "POST").status == 404
        assert site.until == FRIDAY


def test_the_first_sample_is_the_next_one_for_a_site_that_begins_before_it():
    with Publisher(SampleShelf(), until=date(2023, 12, 1)) as site:
        assert site.advance() == date(2024, 1, 3)


def test_given_workbooks_are_served_as_they_are(shelf_folder):
    os.utime(shelf_folder / file_name(FRIDAY), (0, datetime(2024, 1, 5, 20, tzinfo=UTC).timestamp()))
    with Publisher(FolderShelf(shelf_folder), until=FRIDAY) as site:
        answer = of(site, FRIDAY)
        assert (answer.body, answer.headers["Last-Modified"]) == (b"as it is", "Fri, 05 Jan 2024 20:00:00 GMT")
        assert site.advance() == WEDNESDAY
        with pytest.raises(ValueError, match="expected a workbook after 2024-01-10 on the shelf, found no more"):
            site.advance()


@pytest.mark.parametrize(
    "path",
    [
        f"/{SOURCE_FOLDER}/../{file_name(MONDAY)}",
        f"/{SOURCE_FOLDER}/..%2F{file_name(MONDAY)}",
        f"/{SOURCE_FOLDER}/%2e%2e/{file_name(MONDAY)}",
        f"/{SOURCE_FOLDER}/..\\{file_name(MONDAY)}",
        f"/{SOURCE_FOLDER}/notes.txt",
        f"/{SOURCE_FOLDER}/",
        f"/{file_name(FRIDAY)}",
        "/etc/passwd",
    ],
)
def test_nothing_outside_the_shelf_is_served(shelf_folder, path):
    with Publisher(FolderShelf(shelf_folder), until=WEDNESDAY) as site:
        answer = Answer(site, path)
        assert answer.status == 404
        assert b"outside" not in answer.body
        assert b"private" not in answer.body


def test_a_link_out_of_the_folder_is_not_followed(shelf_folder):
    (shelf_folder / file_name(MONDAY)).symlink_to(shelf_folder.parent / file_name(MONDAY))
    with Publisher(FolderShelf(shelf_folder), until=WEDNESDAY) as site:
        assert of(site, MONDAY).status == 404


def test_a_cumulative_workbook_is_served_as_it_stood_on_each_date(tmp_path):
    path = tmp_path / "whole.xlsx"
    path.write_bytes(sample_workbook(WEDNESDAY))
    with Publisher(CutShelf(path), until=FRIDAY) as site:
        assert read_workbook(of(site, FRIDAY).body).newest == FRIDAY
        assert of(site, MONDAY).status == 404
        assert site.advance() == MONDAY
        assert of(site, MONDAY).body == sample_workbook(MONDAY)
        assert site.advance() == WEDNESDAY
        assert site.shelf.next_after(WEDNESDAY) is None
        site.until = date(2025, 1, 1)
        assert of(site, date(2024, 1, 12)).status == 404


def test_a_shelf_that_is_not_there_or_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a folder of workbooks"):
        FolderShelf(tmp_path / "none")
    (tmp_path / "bad.xlsx").write_bytes(b"<html>")
    with pytest.raises(WorkbookError, match=r"bad\.xlsx: expected an .xlsx workbook, found a web page"):
        CutShelf(tmp_path / "bad.xlsx")


def test_the_site_listens_on_this_machine_alone_and_lets_go_of_its_port():
    with Publisher(SampleShelf(), until=MONDAY) as site:
        assert site.address == f"http://127.0.0.1:{site.port}"
        with pytest.raises(OSError, match="in use"):
            Publisher(SampleShelf(), until=MONDAY, port=site.port)
    with Publisher(SampleShelf(), until=MONDAY, port=site.port):
        pass


def test_the_local_environment_asks_where_the_publisher_listens():
    assert f"http://{HOST}:{SAMPLE_PORT}/{SOURCE_FOLDER}" == SAMPLE_SOURCE
