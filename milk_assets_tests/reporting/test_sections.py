"""Map, answers, likely changes, suggested prices, quarantine, restatements and the list of past reports, worked out by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from milk_assets.reporting.charts.state_map import geometry, mapped
from milk_assets.reporting.formats.archive import entry, to_page, with_entry
from milk_assets.reporting.formats.page_data import base36, name_of, runs
from milk_assets.reporting.model.report import ReportError
from milk_assets.reporting.sections.regions import MEMBERS
from milk_assets.reporting.sections.track_record import record
from milk_assets.reporting.text.bilingual import Text, english, say
from milk_assets.sniim.names import NATIONAL, known_places
from milk_assets_tests.reporting.test_track_record_section import first, resolved

GUADALAJARA_KEY = "jalisco/guadalajara/pasteurised/store"
GUADALAJARA = ("Jalisco", "Guadalajara", "pasteurised", "store")


def test_the_map_and_the_regions_hold_the_32_states_of_the_source_each_once():
    source = set(known_places()) - {NATIONAL}
    assert set(geometry()["states"]) == source
    assert sorted(state for states in MEMBERS.values() for state in states) == sorted(source)
    assert "public domain" in geometry()["licence"].lower()


def test_a_state_has_the_mean_of_its_cities_and_its_change_only_of_those_priced_on_both_days(make, table):
    table[("Jalisco", "ZM Guadalajara", "pasteurised", "store")] = [np.nan] * 39 + [30.0]
    table[GUADALAJARA][-1] = 20.60
    frame = make().report().tables["states"].frame
    row = frame[(frame["state"] == "Jalisco") & (frame["milk"] == "Pasteurizada") & (frame["channel"] == "Tiendas")].iloc[0]
    assert (row["price"], row["cities"]) == (pytest.approx(25.30), 2)
    assert row["change"] == pytest.approx(0.60)
    assert row["region"] == "Centro norte"


def test_the_colour_of_a_state_follows_its_price_and_a_silent_one_has_none(make):
    drawn = mapped(make().report())
    view = next(one for one in drawn.views if one.key == "pasteurised/store/price")
    found = dict(zip(geometry()["states"], zip(view.classes, view.figures, strict=True), strict=True))
    assert found["Chiapas"] == ("x", "")
    assert found["Jalisco"][1] == "20.00"
    assert found["Jalisco"][0] < found["Puebla"][0] < found["Sonora"][0]
    assert len(drawn.views) == 8


def test_the_south_is_set_against_the_north(make, table):
    table[("Oaxaca", "Oaxaca", "pasteurised", "store")] = [24.5] * 40
    row = make().report().tables["regions"].frame.iloc[0]
    assert (row["north"], row["south"], row["gap"], row["gap_month"]) == pytest.approx((22.0, 24.5, 2.5, 2.5))


def test_the_likeliest_change_comes_first_and_the_answer_counts_those_over_half(make):
    known = make()
    sure = known.forecasts["series"].eq("sonora/nogales/uht/store") & known.forecasts["task"].eq("publication")
    moved = known.forecasts.assign(p_same=known.forecasts["p_same"].where(~sure, 0.1))
    report = known.report(forecasts=moved)
    likely = report.tables["likely_changes"].frame
    assert likely["series"].iloc[0] == "sonora/nogales/uht/store"
    assert (likely["p_change"].iloc[0], likely["stood"].iloc[0]) == (pytest.approx(0.9), 40)
    answer = report.tables["answers"].frame["answer"].iloc[3]
    assert answer.startswith("1 de 12 series, con probabilidad de 50 % o más")
    assert english(answer).startswith("1 of 12 series, with a chance of 50 % or more")


def test_the_suggested_price_is_next_months_mean_and_says_whether_to_move(make):
    report = make().report()
    row = report.tables["suggested"].frame.iloc[0]
    assert (row["forecast"], row["moved"], row["advice"]) == (pytest.approx(21.13), pytest.approx(0.13), "Subir")
    known = make()
    flat = known.forecasts.assign(forecast=known.forecasts["last_price"])
    assert set(known.report(forecasts=flat).tables["suggested"].frame["advice"]) == {"Mantener"}


def test_every_forecast_stands_against_the_previous_one_and_against_no_change(make):
    known = make()
    report = known.report(previous_forecasts=known.forecasts.assign(forecast=known.forecasts["forecast"] + 0.25))
    for key in ("series", "outlook_publications", "outlook_months_arithmetic"):
        assert report.tables[key].frame["revision"].to_numpy() == pytest.approx(-0.25), key
        assert (report.tables[key].frame["moved"] >= 0).all(), key


def test_held_prices_are_shown_while_they_wait_or_are_recent_and_those_in_doubt_are_counted(make):
    flags = pd.DataFrame(
        [
            ("2025-01-03", "puebla/puebla/uht/store", 30.0, 23.0, "confirmed"),
            ("2025-01-06", "sonora/nogales/uht/store", 90.0, 24.0, "awaited"),
            ("2025-03-28", "jalisco/guadalajara/pasteurised/store", 200.0, 20.0, "not confirmed"),
            ("2025-03-31", "puebla/puebla/uht/store", 2.4, 24.0, "confirmed"),
        ],
        columns=["publication", "series", "price", "previous", "reason"],
    ).astype({"publication": "datetime64[ns]"})
    report = make().report(flagged=flags)
    frame = report.tables["quarantined"].frame
    assert frame["city"].tolist() == ["Puebla", "Guadalajara", "Nogales"]
    assert frame["reason"].tolist() == ["confirmado después", "no confirmado", "a la espera"]
    assert report.tables["answers"].frame["answer"].iloc[2].endswith("En cuarentena: 2.")
    with pytest.raises(ReportError, match="expected the columns .'reason'"):
        make().report(flagged=flags.drop(columns="reason"))


def test_a_past_price_that_was_told_otherwise_is_named_old_and_new(make):
    rows = [("2025-03-03", GUADALAJARA_KEY, 20.0, 19.0), ("2025-03-05", GUADALAJARA_KEY, 20.0, np.nan)]
    restated = pd.DataFrame(rows, columns=["publication", "series", "old", "new"]).astype({"publication": "datetime64[ns]"})
    table = make().report(restated=restated).tables["restated"]
    assert table.frame["new"].fillna(0).tolist() == [0, 19.0], "newest first; a price taken away is a correction too"
    assert table.caption.startswith("2 precios del pasado")
    assert "Ningún precio pasado" in make().report(restated=restated.iloc[:0]).tables["restated"].empty
    assert "No hay un libro anterior" in make().report().tables["restated"].empty
    with pytest.raises(ReportError, match="Restated prices: expected the columns .'old'"):
        make().report(restated=restated.drop(columns="old"))


def test_a_date_that_went_unpublished_is_named(make, whole_market):
    known = make()
    gone = pd.Timestamp("2025-03-26")
    less = whole_market(known.prices[known.prices["publication"] != gone], known.averages[known.averages["publication"] != gone])
    assert any("26 mar 2025" in line for line in less.report().section("notes").lines)
    assert not any("26 mar 2025" in line for line in known.report().section("notes").lines)


def test_only_the_champion_is_held_to_the_live_record():
    rows = resolved([("2025-03-31", 1, 21.0, 20.0, 20.9), ("2025-03-31", 1, 21.0, 20.0, 15.0)])
    live = rows.drop(columns="model").assign(role=["champion", "challenger"])
    assert first(record(live, None))["mae"].iloc[0] == pytest.approx(0.1)


def test_errors_are_told_publication_by_publication_with_the_bad_days():
    rows = [("2025-03-28", 1, 21.0, 20.0, 20.0), ("2025-03-31", 1, 20.0, 20.0, 20.1)]
    frame = first(record(resolved(rows), None), "record_dates")
    assert frame["mae"].tolist() == pytest.approx([1.0, 0.1])
    assert frame["covered"].tolist() == [0.0, 1.0]


def test_a_text_is_filled_in_both_languages():
    said = say("{what} el {n}", "{what} on {n}", what=Text("sube", "rises"), n=3)
    assert (said, said.en, english("Sonora")) == ("sube el 3", "rises on 3", "Sonora")


def test_prices_are_written_as_runs():
    assert runs(np.array([20.0, 20.0, np.nan, 20.5])) == "1jkB~A1eA"
    assert runs(np.full(60, 20.0)) == "1jkZ0Z0H"
    assert (base36(-50), base36(0)) == ("-1e", "0")
    assert name_of("") == base36(0x811C9DC5), "FNV-1a of nothing is its offset"
    assert name_of("a") == base36(0xE40C292C), "FNV-1a's published test vector"


def test_the_list_of_reports_holds_each_day_once_newest_first(make):
    report = make().report()
    one = entry(report)
    document = with_entry(with_entry(with_entry(None, {**one, "day": "2025-04-02"}), one), {**one, "headline": "<b>Otro</b>"})
    assert [each["day"] for each in document["reports"]] == ["2025-04-02", "2025-04-01"]
    page = to_page(document)
    assert 'href="2025-04-01/report.html"' in page
    assert "<b>Otro" not in page
    assert json.loads(json.dumps(document)) == document
