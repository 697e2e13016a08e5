"""Map, answers, likely changes, suggested prices, quarantine, restatements and the list of past reports, calculated by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from milk_assets.reporting.charts.state_map import draw_state_map, geometry
from milk_assets.reporting.formats.archive import entry, to_page, with_entry
from milk_assets.reporting.formats.page_data import encode_runs, text_hash, to_base36
from milk_assets.reporting.model.report import ReportError
from milk_assets.reporting.sections.regions import STATES_OF_REGION
from milk_assets.reporting.sections.track_record import track_record_section
from milk_assets.reporting.text.bilingual import BilingualText, english, format_bilingual
from milk_assets.sniim.names import NATIONAL, known_places
from milk_assets_tests.reporting.test_track_record_section import frame_of, resolved_forecasts

GUADALAJARA_KEY = "jalisco/guadalajara/pasteurised/store"
GUADALAJARA = ("Jalisco", "Guadalajara", "pasteurised", "store")


def test_the_map_and_the_regions_have_each_of_the_32_states_once():
    source = set(known_places()) - {NATIONAL}
    assert set(geometry().states) == source
    assert sorted(state for states in STATES_OF_REGION.values() for state in states) == sorted(source)
    assert "public domain" in geometry().licence.lower()


def test_a_state_has_the_mean_of_its_cities_and_the_change_of_those_priced_on_both_days(make_inputs, table):
    table[("Jalisco", "ZM Guadalajara", "pasteurised", "store")] = [np.nan] * 39 + [30.0]
    table[GUADALAJARA][-1] = 20.60
    frame = make_inputs().report().tables["states"].frame
    row = frame[(frame["state"] == "Jalisco") & (frame["milk"] == "Pasteurizada") & (frame["channel"] == "Tiendas")].iloc[0]
    assert (row["price"], row["cities"]) == (pytest.approx(25.30), 2)
    assert row["change"] == pytest.approx(0.60)
    assert row["region"] == "Centro norte"


def test_the_colour_of_a_state_follows_its_price_and_a_state_without_price_has_none(make_inputs):
    state_map = draw_state_map(make_inputs().report())
    view = next(view for view in state_map.views if view.key == "pasteurised/store/price")
    class_and_figure = dict(zip(geometry().states, zip(view.classes, view.figures, strict=True), strict=True))
    assert class_and_figure["Chiapas"] == ("x", "")
    assert class_and_figure["Jalisco"][1] == "20.00"
    assert class_and_figure["Jalisco"][0] < class_and_figure["Puebla"][0] < class_and_figure["Sonora"][0]
    assert len(state_map.views) == 8


def test_the_south_is_compared_with_the_north(make_inputs, table):
    table[("Oaxaca", "Oaxaca", "pasteurised", "store")] = [24.5] * 40
    row = make_inputs().report().tables["regions"].frame.iloc[0]
    assert (row["north"], row["south"], row["gap"], row["gap_month"]) == pytest.approx((22.0, 24.5, 2.5, 2.5))


def test_the_most_likely_change_is_first_and_the_answer_counts_chances_over_half(make_inputs):
    inputs = make_inputs()
    sure = inputs.forecasts["series"].eq("sonora/nogales/uht/store") & inputs.forecasts["task"].eq("publication")
    moved = inputs.forecasts.assign(p_same=inputs.forecasts["p_same"].where(~sure, 0.1))
    report = inputs.report(forecasts=moved)
    likely = report.tables["likely_changes"].frame
    assert likely["series"].iloc[0] == "sonora/nogales/uht/store"
    assert (likely["p_change"].iloc[0], likely["stood"].iloc[0]) == (pytest.approx(0.9), 40)
    answer = report.tables["answers"].frame["answer"].iloc[3]
    assert answer.startswith("1 de 12 series, con probabilidad de 50 % o más")
    assert english(answer).startswith("1 of 12 series, with a chance of 50 % or more")


def test_the_suggested_price_is_next_months_mean_with_an_advice(make_inputs):
    report = make_inputs().report()
    row = report.tables["suggested"].frame.iloc[0]
    assert (row["forecast"], row["moved"], row["advice"]) == (pytest.approx(21.13), pytest.approx(0.13), "Subir")
    inputs = make_inputs()
    flat = inputs.forecasts.assign(forecast=inputs.forecasts["last_price"])
    assert set(inputs.report(forecasts=flat).tables["suggested"].frame["advice"]) == {"Mantener"}


def test_every_forecast_is_compared_with_the_previous_one_and_with_no_change(make_inputs):
    inputs = make_inputs()
    report = inputs.report(previous_forecasts=inputs.forecasts.assign(forecast=inputs.forecasts["forecast"] + 0.25))
    for key in ("series", "outlook_publications", "outlook_months_arithmetic"):
        assert report.tables[key].frame["revision"].to_numpy() == pytest.approx(-0.25), key
        assert (report.tables[key].frame["moved"] >= 0).all(), key


def test_quarantined_prices_are_listed_while_recent_or_unresolved_and_the_unconfirmed_are_counted(make_inputs):
    flags = pd.DataFrame(
        [
            ("2025-01-03", "puebla/puebla/uht/store", 30.0, 23.0, "confirmed"),
            ("2025-01-06", "sonora/nogales/uht/store", 90.0, 24.0, "awaited"),
            ("2025-03-28", "jalisco/guadalajara/pasteurised/store", 200.0, 20.0, "not confirmed"),
            ("2025-03-31", "puebla/puebla/uht/store", 2.4, 24.0, "confirmed"),
        ],
        columns=["publication", "series", "price", "previous", "reason"],
    ).astype({"publication": "datetime64[ns]"})
    report = make_inputs().report(flagged=flags)
    frame = report.tables["quarantined"].frame
    assert frame["city"].tolist() == ["Puebla", "Guadalajara", "Nogales"]
    assert frame["reason"].tolist() == ["confirmado después", "no confirmado", "a la espera"]
    assert report.tables["answers"].frame["answer"].iloc[2].endswith("En cuarentena: 2.")
    with pytest.raises(ReportError, match="expected the columns .'reason'"):
        make_inputs().report(flagged=flags.drop(columns="reason"))


def test_a_restated_price_is_listed_with_its_old_and_new_value(make_inputs):
    rows = [("2025-03-03", GUADALAJARA_KEY, 20.0, 19.0), ("2025-03-05", GUADALAJARA_KEY, 20.0, np.nan)]
    restated = pd.DataFrame(rows, columns=["publication", "series", "old", "new"]).astype({"publication": "datetime64[ns]"})
    table = make_inputs().report(restated=restated).tables["restated"]
    assert table.frame["new"].fillna(0).tolist() == [0, 19.0], "newest first; a removed price is a restatement too"
    assert table.caption.startswith("2 precios del pasado")
    assert "Ningún precio pasado" in make_inputs().report(restated=restated.iloc[:0]).tables["restated"].empty
    assert "No hay un libro anterior" in make_inputs().report().tables["restated"].empty
    with pytest.raises(ReportError, match="Restated prices: expected the columns .'old'"):
        make_inputs().report(restated=restated.drop(columns="old"))


def test_an_expected_date_without_publication_is_named(make_inputs, make_inputs_of):
    inputs = make_inputs()
    missing_date = pd.Timestamp("2025-03-26")
    less = make_inputs_of(
        inputs.prices[inputs.prices["publication"] != missing_date],
        inputs.averages[inputs.averages["publication"] != missing_date],
    )
    assert any("26 mar 2025" in line for line in less.report().section("notes").lines)
    assert not any("26 mar 2025" in line for line in inputs.report().section("notes").lines)


def test_only_forecasts_of_the_champion_count_in_the_live_record():
    rows = resolved_forecasts([("2025-03-31", 1, 21.0, 20.0, 20.9), ("2025-03-31", 1, 21.0, 20.0, 15.0)])
    live = rows.drop(columns="model").assign(role=["champion", "challenger"])
    assert frame_of(track_record_section(live, None))["mae"].iloc[0] == pytest.approx(0.1)


def test_errors_are_listed_publication_by_publication():
    rows = [("2025-03-28", 1, 21.0, 20.0, 20.0), ("2025-03-31", 1, 20.0, 20.0, 20.1)]
    frame = frame_of(track_record_section(resolved_forecasts(rows), None), "record_dates")
    assert frame["mae"].tolist() == pytest.approx([1.0, 0.1])
    assert frame["covered"].tolist() == [0.0, 1.0]


def test_a_text_is_formatted_in_both_languages():
    text = format_bilingual("{what} el {n}", "{what} on {n}", what=BilingualText("sube", "rises"), n=3)
    assert (text, text.en, english("Sonora")) == ("sube el 3", "rises on 3", "Sonora")


def test_prices_are_encoded_as_runs():
    assert encode_runs(np.array([20.0, 20.0, np.nan, 20.5])) == "1jkB~A1eA"
    assert encode_runs(np.full(60, 20.0)) == "1jkZ0Z0H"
    assert (to_base36(-50), to_base36(0)) == ("-1e", "0")
    assert text_hash("") == to_base36(0x811C9DC5), "FNV-1a of an empty text is its offset"
    assert text_hash("a") == to_base36(0xE40C292C), "FNV-1a's published test vector"


def test_the_list_of_reports_has_each_day_once_newest_frame_of(make_inputs):
    report = make_inputs().report()
    one = entry(report)
    document = with_entry(with_entry(with_entry(None, {**one, "day": "2025-04-02"}), one), {**one, "headline": "<b>Otro</b>"})
    assert [each["day"] for each in document["reports"]] == ["2025-04-02", "2025-04-01"]
    page = to_page(document)
    assert 'href="2025-04-01/report.html"' in page
    assert "<b>Otro" not in page
    assert json.loads(json.dumps(document)) == document
