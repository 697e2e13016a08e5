"""The page in a real browser: filters, order, chart, map, address and languages work, no host is asked anything, axe is content."""

import re
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from milk_assets.reporting.formats.html import to_html
from milk_assets.sniim.names import known_places
from milk_assets_tests.reporting.conftest import averages_of, given, long_prices, publications, still

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
SAME = re.compile(r"^[\W\d_]*$|^[0-9a-f]{12}|sha256|\.xlsx|champion|^(MXN/l|XLSX|CSV|JSON|Series)$")
"""Text that is the same in both languages: figures, hashes, names of files and formats."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report of three cities with a previous forecast, one mover, one city without supermarkets' UHT, as a file."""
    table = still()
    table[("Jalisco", "Guadalajara", "pasteurised", "store")][-1] = 20.60
    table[("Sonora", "Nogales", "uht", "supermarket")] = [float("nan")] * 40
    prices = long_prices(table, publications(40))
    made = given(prices, averages_of(prices))
    before = made.forecasts.assign(forecast=made.forecasts["forecast"] + 0.25)
    text = to_html(made.report(previous_forecasts=before, provenance=made.stamped(sample=True)))
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(text, encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page at laptop size; the test fails if it complains or asks anything of a host."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="es-MX")
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: said.append(request.url) if not request.url.startswith(("file:", "data:")) else None)
    opened.goto(address)
    yield opened
    context.close()
    assert said == []


def shown(page: Any) -> list[str]:
    """Keys of the rows in sight, in their order."""
    return page.evaluate(
        "rows.filter(r => !r.element.hidden).sort((a, b) => a.element.rowIndex - b.element.rowIndex).map(r => r.key)"
    )


def test_filters_leave_the_rows_that_meet_all_of_them(page: Any) -> None:
    assert len(shown(page)) == 11 + 8
    page.select_option("#f-state", "sonora")
    priced = ("pasteurised/store", "pasteurised/supermarket", "uht/store")
    assert shown(page) == [f"sonora/nogales/{market}" for market in priced]
    page.select_option("#f-milk", "uht")
    assert shown(page) == ["sonora/nogales/uht/store"]
    assert page.text_content("#count") == "1 de 19 series"
    page.select_option("#f-channel", "supermarket")
    assert shown(page) == []
    assert page.text_content("#count") == "Ninguna serie cumple los filtros."
    page.click("form button[type=reset]")
    assert len(shown(page)) == 19


def test_cities_to_choose_are_those_of_the_chosen_state(page: Any) -> None:
    options = "[...document.querySelectorAll('#f-city option')].map(o => o.textContent)"
    assert page.evaluate(options) == ["Todas las ciudades", "Guadalajara", "Nogales", "Puebla"]
    page.select_option("#f-city", "nogales")
    page.select_option("#f-state", "puebla")
    assert page.evaluate(options) == ["Todas las ciudades", "Puebla"]
    assert [key.split("/")[1] for key in shown(page)] == ["puebla"] * 4, "the city of another state is let go"


def test_a_head_sorts_down_then_up_then_not_at_all(page: Any) -> None:
    prices = "[...document.querySelectorAll('#t-series tbody tr')].map(r => Number(r.cells[2].textContent))"
    head = page.locator("#t-series thead button", has_text="Precio").first
    first = page.evaluate(prices)
    head.click()
    assert page.evaluate(prices) == sorted(first, reverse=True)
    assert page.get_attribute("#t-series thead th:nth-child(3)", "aria-sort") == "descending"
    head.click()
    assert page.evaluate(prices) == sorted(first)
    head.click()
    assert page.evaluate(prices) == first
    assert page.get_attribute("#t-series thead th:nth-child(3)", "aria-sort") is None


def test_a_chosen_series_is_drawn_with_its_figures(page: Any) -> None:
    page.click("#t-series button.pick:has-text('Guadalajara')")
    assert page.text_content("#chosen-name") == "Guadalajara, Jalisco · Pasteurizada, tiendas"
    for name in ("history", "forecast", "before", "band80", "band95"):
        assert page.locator(f"#chosen-chart .{name}").count() == 1, name
    april = page.evaluate(
        "[...document.querySelectorAll('#chosen-tables table:first-child tbody tr')[1].cells].map(c => c.textContent)"
    )
    assert april == ["abr 2025", "$20.73", "20.37 – 21.09", "+0.13", "−0.25"]
    soon = page.evaluate(
        "[...document.querySelectorAll('#chosen-tables table:last-child tbody tr')[0].cells].map(c => c.textContent)"
    )
    assert soon == ["2 abr 2025", "$20.61", "20.49 – 20.73", "15 %", "60 %", "25 %"]
    page.focus("#chosen-chart svg")
    page.keyboard.press("ArrowLeft")
    assert page.text_content("#reading") == "28 mar 2025: $20.00"
    page.keyboard.press("End")
    assert page.text_content("#reading") == "sep 2025: $21.38 (80 % 19.72–23.04)"


def test_an_address_shows_to_another_reader_what_was_chosen(page: Any, address: str) -> None:
    page.select_option("#f-state", "jalisco")
    page.click("#t-series thead button >> nth=2")
    page.click("#t-series tr:not([hidden]) button.pick >> nth=0")
    page.select_option("#map-kind", "change")
    link = page.url
    assert "estado=jalisco" in link
    other = page.context.new_page()
    other.goto(link)
    assert shown(other) == shown(page)
    for place in ("#chosen-name", "#map-title"):
        assert other.text_content(place) == page.text_content(place)
    other.goto(f"{address}#serie=no/such/series/here&mapa=x&orden=zz")
    other.reload()
    assert other.text_content("#chosen-name") == "Promedio aritmético · Pasteurizada, tiendas", "nonsense is the page as it opens"
    other.close()


def test_the_map_follows_its_market_and_filters_the_explorer(page: Any) -> None:
    jalisco = page.locator("#mx-jalisco")
    page.select_option("#map-market", "pasteurised/store")
    assert jalisco.get_attribute("aria-label") == "Jalisco 20.60"
    page.select_option("#map-kind", "change")
    assert jalisco.get_attribute("aria-label") == "Jalisco +0.60"
    assert "c4" in jalisco.get_attribute("class")
    assert page.get_attribute("#mx-chiapas", "class") == "cx"
    assert page.locator("#mexico path").count() == 32
    jalisco.focus()
    page.keyboard.press("Enter")
    assert {key.split("/")[0] for key in shown(page)} == {"jalisco"}
    assert jalisco.get_attribute("aria-pressed") == "true"
    assert page.text_content(".hint") == "Jalisco +0.60"


TEXTS = """() => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    if (!node.parentNode.closest("script,style,button[lang]") && squeeze(node.data)) found.push(squeeze(node.data));
  return found;
}"""


def test_the_switch_leaves_no_spanish_behind_and_goes_back(page: Any) -> None:
    spanish = page.evaluate(TEXTS)
    page.click("button[data-language=en]")
    assert page.get_attribute("html", "lang") == "en"
    english = page.evaluate(TEXTS)
    names = {name for state, cities in known_places().items() for name in (state, *cities)}
    same = {re.sub(r" [+−\d.]+$", "", text) for text in set(spanish) & set(english)}
    assert {text for text in same if not SAME.search(text)} <= names
    assert "Sample data: these prices are generated, not official." in english
    assert page.text_content("#map-title") == "Pasteurised, stores: price"
    page.click("button[data-language=es]")
    assert page.evaluate(TEXTS) == spanish


def test_the_page_without_a_script_says_it_all_in_spanish(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    still_page = context.new_page()
    still_page.goto(address)
    assert still_page.locator("#t-series tbody tr").count() == 19
    assert still_page.locator("#mexico path").count() == 32
    assert not still_page.locator("#f-state").is_visible()
    context.close()


@pytest.mark.parametrize("width", [390, 1366])
def test_the_page_never_scrolls_sideways(browser: Any, address: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    opened = context.new_page()
    opened.goto(address)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1366])
def test_axe_finds_nothing_serious(browser: Any, address: str, scheme: Any, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python")
    source = (Path(axe.__file__).parent / "axe.min.js").read_text("utf-8")
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    opened = context.new_page()
    opened.goto(address)
    opened.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    opened.evaluate(source)
    report = opened.evaluate("axe.run().then(r => ({passes: r.passes.length, violations: r.violations}))")
    assert report["passes"] > 20, "axe looked"
    context.close()
    grave = [one for one in report["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in grave] == []


class Endpoint(BaseHTTPRequestHandler):
    """The report under the endpoint's name for it."""

    content = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        """Nothing: a test's output is its own."""


def test_the_page_served_by_the_endpoint_links_to_the_formats_by_their_names_there(browser: Any, address: str) -> None:
    Endpoint.content = Path(address.removeprefix("file://")).read_bytes()
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opened = browser.new_page()
        opened.goto(f"http://127.0.0.1:{server.server_address[1]}/v1/reports/latest")
        shown_links = opened.evaluate("[...document.querySelectorAll('.links a')].filter(a => !a.hidden).map(a => a.pathname)")
        opened.close()
        server.shutdown()
    assert shown_links == [f"/v1/reports/latest.{suffix}" for suffix in ("xlsx", "csv", "json")]


def test_a_report_without_forecasts_opens_without_complaint(browser: Any, tmp_path: Path) -> None:
    prices = long_prices(still(), publications(40))
    made = given(prices, averages_of(prices))
    path = tmp_path / "report.html"
    path.write_text(to_html(made.report(forecasts=made.forecasts.iloc[:0])), encoding="utf-8")
    opened = browser.new_page()
    said: list[str] = []
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(path.as_uri())
    opened.click("button[data-language=en]")
    assert opened.locator("#explorer + p.none").text_content() == "There is no forecast by series."
    opened.close()
    assert said == []
