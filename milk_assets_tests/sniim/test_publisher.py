"""The sample publisher: what it serves, what it does not serve, and how it shows the next publication."""

import http.client
import json
import os
from datetime import UTC, date, datetime

import pytest

from milk_assets.settings import SAMPLE_PORT, SAMPLE_SOURCE
from milk_assets.sniim.names import SOURCE_FOLDER, file_name
from milk_assets.sniim.samples.generate import sample_workbook
from milk_assets.sniim.samples.publisher import HOST, FolderWorkbooks, GeneratedWorkbooks, Publisher, TruncatedWorkbooks
from milk_assets.sniim.workbook import WorkbookError, read_workbook

FRIDAY, MONDAY, WEDNESDAY = date(2024, 1, 5), date(2024, 1, 8), date(2024, 1, 10)


class Response:
    def __init__(self, site: Publisher, path: str, method: str = "GET") -> None:
        connection = http.client.HTTPConnection(HOST, site.port, timeout=5)
        connection.request(method, path)
        response = connection.getresponse()
        self.status, self.headers, self.body = response.status, response.headers, response.read()
        connection.close()


def request_workbook(site: Publisher, day: date, method: str = "GET") -> Response:
    return Response(site, f"/{SOURCE_FOLDER}/{file_name(day)}", method)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "workbooks"
    folder.mkdir()
    (folder / file_name(FRIDAY)).write_bytes(b"content")
    (folder / file_name(WEDNESDAY)).write_bytes(sample_workbook(FRIDAY))
    (folder / "notes.txt").write_text("private")
    (tmp_path / file_name(MONDAY)).write_bytes(b"outside")
    return folder


def test_a_generated_workbook_is_served_for_every_publication_date_up_to_now():
    with Publisher(GeneratedWorkbooks(), until=MONDAY) as site:
        response = request_workbook(site, MONDAY)
        assert (response.status, response.body) == (200, sample_workbook(MONDAY))
        assert response.headers["Content-Length"] == str(len(response.body))
        assert response.headers["Last-Modified"] == "Mon, 08 Jan 2024 18:00:00 GMT"
        assert "spreadsheetml" in response.headers["Content-Type"]
        assert request_workbook(site, FRIDAY).status == 200
        assert request_workbook(site, WEDNESDAY).status == 404
        assert request_workbook(site, date(2024, 1, 4)).status == 404, "a Thursday"
        assert request_workbook(site, date(2024, 1, 1)).status == 404, "before the first"


def test_head_is_answered_like_get_without_the_body():
    with Publisher(GeneratedWorkbooks(), until=MONDAY) as site:
        head, get = request_workbook(site, MONDAY, "HEAD"), request_workbook(site, MONDAY)
        assert (head.status, head.body) == (200, b"")
        assert [head.headers[name] for name in ("Content-Length", "Last-Modified")] == [
            get.headers[name] for name in ("Content-Length", "Last-Modified")
        ]
        assert request_workbook(site, WEDNESDAY, "HEAD").status == 404


def test_a_missing_file_gives_a_web_page_as_the_source_does():
    with Publisher(GeneratedWorkbooks(), until=MONDAY) as site:
        response = request_workbook(site, WEDNESDAY)
        assert response.headers["Content-Type"].startswith("text/html")
        assert b"The resource cannot be found" in response.body


def test_a_post_shows_the_next_publication_or_all_up_to_a_date():
    with Publisher(GeneratedWorkbooks(), until=FRIDAY) as site:
        assert json.loads(Response(site, "/advance", "POST").body) == {"until": "2024-01-08"}
        assert request_workbook(site, MONDAY).status == 200
        assert json.loads(Response(site, "/advance?to=2024-01-31", "POST").body) == {"until": "2024-01-31"}
        site.until = FRIDAY
        assert request_workbook(site, MONDAY).status == 404


@pytest.mark.parametrize(
    ("query", "error"),
    [("?to=2024-01-03", "a publication cannot be taken back"), ("?to=soon", "Invalid isoformat"), ("?to=2024-13-01", "month")],
)
def test_an_invalid_or_past_date_is_rejected_and_changes_nothing(query, error):
    with Publisher(GeneratedWorkbooks(), until=FRIDAY) as site:
        response = Response(site, f"/advance{query}", "POST")
        assert response.status == 409
        assert error in json.loads(response.body)["error"]
        assert site.until == FRIDAY


def test_only_a_post_to_the_right_address_shows_the_next_publication():
    with Publisher(GeneratedWorkbooks(), until=FRIDAY) as site:
        assert Response(site, "/advance").status == 404
        assert Response(site, "/elsewhere", "POST").status == 404
        assert site.until == FRIDAY


def test_a_site_that_starts_before_the_first_sample_shows_the_first_sample_next():
    with Publisher(GeneratedWorkbooks(), until=date(2023, 12, 1)) as site:
        assert site.advance() == date(2024, 1, 3)


def test_the_workbooks_of_a_folder_are_served_unchanged(folder):
    os.utime(folder / file_name(FRIDAY), (0, datetime(2024, 1, 5, 20, tzinfo=UTC).timestamp()))
    with Publisher(FolderWorkbooks(folder), until=FRIDAY) as site:
        response = request_workbook(site, FRIDAY)
        assert (response.body, response.headers["Last-Modified"]) == (b"content", "Fri, 05 Jan 2024 20:00:00 GMT")
        assert site.advance() == WEDNESDAY
        with pytest.raises(ValueError, match="expected a workbook after 2024-01-10, found no more"):
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
def test_nothing_outside_the_folder_is_served(folder, path):
    with Publisher(FolderWorkbooks(folder), until=WEDNESDAY) as site:
        response = Response(site, path)
        assert response.status == 404
        assert b"outside" not in response.body
        assert b"private" not in response.body


def test_a_link_that_points_outside_the_folder_is_not_followed(folder):
    (folder / file_name(MONDAY)).symlink_to(folder.parent / file_name(MONDAY))
    with Publisher(FolderWorkbooks(folder), until=WEDNESDAY) as site:
        assert request_workbook(site, MONDAY).status == 404


def test_a_cumulative_workbook_is_served_as_it_was_on_each_date(tmp_path):
    path = tmp_path / "whole.xlsx"
    path.write_bytes(sample_workbook(WEDNESDAY))
    with Publisher(TruncatedWorkbooks(path), until=FRIDAY) as site:
        assert read_workbook(request_workbook(site, FRIDAY).body).newest == FRIDAY
        assert request_workbook(site, MONDAY).status == 404
        assert site.advance() == MONDAY
        assert request_workbook(site, MONDAY).body == sample_workbook(MONDAY)
        assert site.advance() == WEDNESDAY
        assert site.workbooks.next_after(WEDNESDAY) is None
        site.until = date(2025, 1, 1)
        assert request_workbook(site, date(2024, 1, 12)).status == 404


def test_a_missing_folder_or_an_unreadable_workbook_is_rejected(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a folder of workbooks"):
        FolderWorkbooks(tmp_path / "none")
    (tmp_path / "bad.xlsx").write_bytes(b"<html>")
    with pytest.raises(WorkbookError, match=r"bad\.xlsx: expected an .xlsx workbook, found a web page"):
        TruncatedWorkbooks(tmp_path / "bad.xlsx")


def test_the_site_listens_on_loopback_only_and_frees_its_port():
    with Publisher(GeneratedWorkbooks(), until=MONDAY) as site:
        assert site.address == f"http://127.0.0.1:{site.port}"
        with pytest.raises(OSError, match="in use"):
            Publisher(GeneratedWorkbooks(), until=MONDAY, port=site.port)
    with Publisher(GeneratedWorkbooks(), until=MONDAY, port=site.port):
        pass


def test_the_local_settings_point_at_the_publishers_address():
    assert f"http://{HOST}:{SAMPLE_PORT}/{SOURCE_FOLDER}" == SAMPLE_SOURCE
