"""The page in a real browser: filters, order, chart, map, address and languages work, no request leaves it, axe finds nothing."""

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
from milk_assets_tests.reporting.conftest import averages_of, long_prices, publications, report_inputs, unchanged_prices

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
)
LANGUAGE_NEUTRAL = re.compile(r"^[\W\d_]*$|^[0-9a-f]{12}|sha256|\.xlsx|champion|^(MXN/l|XLSX|CSV|JSON|Series)$")
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
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS.split())
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report of three cities with a previous forecast, one mover, one city without supermarkets' UHT, as a file."""
    table = unchanged_prices()
    table[("Jalisco", "Guadalajara", "pasteurised", "store")][-1] = 20.60
    table[("Sonora", "Nogales", "uht", "supermarket")] = [float("nan")] * 40
    prices = long_prices(table, publications(40))
    inputs = report_inputs(prices, averages_of(prices))
    earlier = inputs.forecasts.assign(forecast=inputs.forecasts["forecast"] + 0.25)
    text = to_html(inputs.report(previous_forecasts=earlier, provenance=inputs.provenance_with(sample=True)))
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(text, encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page at laptop size; the test fails on a message of the console, an error or a request to a host."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="es-MX")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "request", lambda request: complaints.append(request.url) if not request.url.startswith(("file:", "data:")) else None
    )
    opened.goto(address)
    yield opened
    context.close()
    assert complaints == []


def visible_rows(page: Any) -> list[str]:
    """Return the keys of the visible rows, in their order."""
    return page.evaluate(
        "rows.filter(r => !r.element.hidden).sort((a, b) => a.element.rowIndex - b.element.rowIndex).map(r => r.key)"
    )


def test_filters_show_the_rows_that_meet_all_of_them(page: Any) -> None:
    assert len(visible_rows(page)) == 11 + 8
    page.select_option("#f-state", "sonora")
    priced = ("pasteurised/store", "pasteurised/supermarket", "uht/store")
    assert visible_rows(page) == [f"sonora/nogales/{market}" for market in priced]
    page.select_option("#f-milk", "uht")
    assert visible_rows(page) == ["sonora/nogales/uht/store"]
    assert page.text_content("#count") == "1 de 19 series"
    page.select_option("#f-channel", "supermarket")
    assert visible_rows(page) == []
    assert page.text_content("#count") == "Ninguna serie cumple los filtros."
    page.click("form button[type=reset]")
    assert len(visible_rows(page)) == 19


def test_the_cities_offered_are_those_of_the_chosen_state(page: Any) -> None:
    options = "[...document.querySelectorAll('#f-city option')].map(o => o.textContent)"
    assert page.evaluate(options) == ["Todas las ciudades", "Guadalajara", "Nogales", "Puebla"]
    page.select_option("#f-city", "nogales")
    page.select_option("#f-state", "puebla")
    assert page.evaluate(options) == ["Todas las ciudades", "Puebla"]
    assert [key.split("/")[1] for key in visible_rows(page)] == ["puebla"] * 4, "a city of another state is deselected"


def test_a_heading_sorts_down_then_up_then_not_at_all(page: Any) -> None:
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


def test_a_chosen_series_has_its_chart_and_its_figures(page: Any) -> None:
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


def test_the_address_of_the_page_keeps_what_was_chosen(page: Any, address: str) -> None:
    page.select_option("#f-state", "jalisco")
    page.click("#t-series thead button >> nth=2")
    page.click("#t-series tr:not([hidden]) button.pick >> nth=0")
    page.select_option("#map-kind", "change")
    link = page.url
    assert "estado=jalisco" in link
    other = page.context.new_page()
    other.goto(link)
    assert visible_rows(other) == visible_rows(page)
    for selector in ("#chosen-name", "#map-title"):
        assert other.text_content(selector) == page.text_content(selector)
    other.goto(f"{address}#serie=no/such/series/here&mapa=x&orden=zz")
    other.reload()
    assert other.text_content("#chosen-name") == "Promedio aritmético · Pasteurizada, tiendas", (
        "an invalid address opens the page in its first state"
    )
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
    assert {key.split("/")[0] for key in visible_rows(page)} == {"jalisco"}
    assert jalisco.get_attribute("aria-pressed") == "true"
    assert page.text_content(".hint") == "Jalisco +0.60"


TEXTS = """() => {
  const texts = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    if (!node.parentNode.closest("script,style,button[lang]") && squeeze(node.data)) texts.push(squeeze(node.data));
  return texts;
}"""


def test_the_language_switch_translates_everything_and_goes_back(page: Any) -> None:
    spanish = page.evaluate(TEXTS)
    page.click("button[data-language=en]")
    assert page.get_attribute("html", "lang") == "en"
    english = page.evaluate(TEXTS)
    names = {name for state, cities in known_places().items() for name in (state, *cities)}
    same = {re.sub(r" [+−\d.]+$", "", text) for text in set(spanish) & set(english)}
    assert {text for text in same if not LANGUAGE_NEUTRAL.search(text)} <= names
    assert "Sample data: these prices are generated, not official." in english
    assert page.text_content("#map-title") == "Pasteurised, stores: price"
    page.click("button[data-language=es]")
    assert page.evaluate(TEXTS) == spanish


def test_the_page_without_scripts_has_everything_in_spanish(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    static_page = context.new_page()
    static_page.goto(address)
    assert static_page.locator("#t-series tbody tr").count() == 19
    assert static_page.locator("#mexico path").count() == 32
    assert not static_page.locator("#f-state").is_visible()
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
    assert report["passes"] > 20, "axe ran"
    context.close()
    serious = [violation for violation in report["violations"] if violation["impact"] in ("serious", "critical")]
    assert [(violation["id"], violation["nodes"][0]["html"][:200]) for violation in serious] == []


class Endpoint(BaseHTTPRequestHandler):
    """Serves the report under the name that the HTTP endpoint gives it."""

    content = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def test_the_page_links_to_the_formats_by_their_names_on_the_endpoint(browser: Any, address: str) -> None:
    Endpoint.content = Path(address.removeprefix("file://")).read_bytes()
    with ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        opened = browser.new_page()
        opened.goto(f"http://127.0.0.1:{server.server_address[1]}/v1/reports/latest")
        shown_links = opened.evaluate("[...document.querySelectorAll('.links a')].filter(a => !a.hidden).map(a => a.pathname)")
        opened.close()
        server.shutdown()
    assert shown_links == [f"/v1/reports/latest.{suffix}" for suffix in ("xlsx", "csv", "json")]


def test_a_report_without_forecasts_opens_without_errors(browser: Any, tmp_path: Path) -> None:
    prices = long_prices(unchanged_prices(), publications(40))
    inputs = report_inputs(prices, averages_of(prices))
    path = tmp_path / "report.html"
    path.write_text(to_html(inputs.report(forecasts=inputs.forecasts.iloc[:0])), encoding="utf-8")
    opened = browser.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(path.as_uri())
    opened.click("button[data-language=en]")
    assert opened.locator("#explorer + p.none").text_content() == "There is no forecast by series."
    opened.close()
    assert complaints == []
