"""The report's figures, worked out by hand on a market of three cities."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from milk_assets.reporting.model.report import ReportError

GUADALAJARA = ("Jalisco", "Guadalajara", "pasteurised", "store")
PUEBLA = ("Puebla", "Puebla", "pasteurised", "store")
NOGALES = ("Sonora", "Nogales", "uht", "supermarket")


def row(report, key, **wanted):
    frame = report.tables[key].frame
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1, f"{key}: {wanted} is in {len(frame)} rows"
    return frame.iloc[0]


def test_a_glance_tells_the_change_since_the_last_publication_and_a_month_ago(make, table):
    table[GUADALAJARA][-1] = 20.60
    table[PUEBLA][-13:] = [21.30] * 13
    seen = row(make().report(), "glance", average="Aritmético", milk="Pasteurizada", channel="Tiendas")
    assert seen.price == pytest.approx((20.60 + 21.30 + 22.00) / 3)
    assert seen.change_publication == pytest.approx(0.20)
    assert seen.change_month == pytest.approx(0.30)
    assert seen.percent_month == pytest.approx(100 * 0.30 / 21.00)
    assert np.isnan(seen.change_year), "forty publications do not reach a year back"


def test_the_month_is_the_mean_of_what_was_published_in_it(make, table):
    march = 13  # publications of March 2025 up to the 31st
    table[GUADALAJARA][-march:] = [23.00] * march
    seen = row(make().report(), "glance_months", average="Aritmético", milk="Pasteurizada", channel="Tiendas")
    assert seen.this == pytest.approx(22.00)
    assert seen.change == pytest.approx(1.00)
    assert "13 publicaciones" in make().report().tables["glance_months"].caption


def test_a_mover_carries_the_price_before_and_how_long_it_stood(make, table, dates):
    table[GUADALAJARA][-6:] = [20.50, 20.50, np.nan, 20.50, 20.50, 21.75]
    seen = row(make().report(), "movers")
    assert (seen.before, seen.price, seen.change) == (20.50, 21.75, pytest.approx(1.25))
    assert seen.stood == 4, "the blank in between neither counts nor breaks the run"
    assert seen.since == dates[-6]


def test_a_price_that_went_missing_or_stayed_is_no_mover(make, table):
    table[GUADALAJARA][-1] = np.nan
    table[PUEBLA][-1] += 0.001
    report = make().report()
    assert report.tables["movers"].frame.empty
    assert "Ningún precio cambió" in report.summary[1]


def test_movers_go_from_the_largest_rise_to_the_largest_fall(make, table):
    for names, change in ((GUADALAJARA, -2.0), (PUEBLA, 0.3), (NOGALES, 1.0)):
        table[names][-1] += change
    report = make().report()
    assert report.tables["movers"].frame["change"].round(2).tolist() == [1.0, 0.3, -2.0]
    assert report.summary[1] == "Desde la publicación anterior cambiaron 3 de 12 precios: 2 al alza y 1 a la baja."


def test_the_headline_says_how_the_four_markets_moved_in_a_month(make, table):
    assert make().report().headline == "La leche no se mueve en un mes"
    for names in table:
        table[names][-1] += 0.12 if names[2] == "uht" else 1.50
    assert make().report().headline == "La leche sube entre 12 centavos y 1.50 pesos por litro en un mes"
    for names in table:
        if names[2] == "uht":
            table[names][-1] -= 1
    assert make().report().headline == "La leche sube en dos mercados y baja en dos mercados en un mes"


def test_what_was_published_later_does_not_move_a_figure(make, table):
    table[GUADALAJARA][-2:] = [20.40, 99.00]
    known = make()
    early = known.report(
        publication=date(2025, 3, 28),
        day=date(2025, 3, 28),
        next_publication=date(2025, 3, 31),
        forecasts=known.forecasts.iloc[:0],
    )
    assert row(early, "movers").price == 20.40
    assert early.tables["history"].frame["publication"].max() == pd.Timestamp("2025-03-28")


def test_a_forecast_is_set_against_the_previous_forecast_of_the_same_target(make):
    known = make()
    before = known.forecasts.assign(origin=pd.Timestamp("2025-03-28"), forecast=known.forecasts["forecast"] - 0.07)
    before = before[before["target"] != pd.Timestamp("2025-09-01")]
    report = known.report(previous_forecasts=before)
    months = report.tables["outlook_months_arithmetic"].frame
    assert months.loc[months["target"] < "2025-09-01", "revision"].to_numpy() == pytest.approx(0.07)
    assert months.loc[months["target"] == "2025-09-01", "revision"].isna().all()
    assert "28 de marzo de 2025" in report.tables["outlook_months_arithmetic"].caption
    assert known.report().tables["outlook_months_arithmetic"].frame["revision"].isna().all()


def test_the_outlook_holds_each_month_and_the_publications_that_are_printed(make):
    report = make().report()
    first = row(report, "outlook_months", city="Promedio aritmético", segment="Pasteurizada, tiendas")
    assert [first[f"forecast_{lead}"] for lead in (0, 1, 6)] == pytest.approx([21.00, 21.13, 21.78])
    ahead = report.tables["outlook_publications"].frame
    assert ahead.groupby("segment")["lead"].apply(list).tolist() == [[1, 3, 6, 13]] * 4
    assert len(report.tables["forecasts"].frame) == (12 + 8) * 21
    assert len(report.tables["series"].frame) == 12 + 8


def test_a_report_without_forecasts_says_so_and_stands(make):
    known = make()
    report = known.report(forecasts=known.forecasts.iloc[:0])
    assert any("Sin pronóstico" in banner for banner in report.banners)
    assert report.tables["series"].frame.empty
    assert "no hay pronóstico" in report.tables["answers"].frame["answer"].iloc[-1]


def test_gaps_are_medians_over_the_cities_that_have_both_prices(make, table):
    table[("Jalisco", "Guadalajara", "uht", "store")][-1] = np.nan
    table[("Puebla", "Puebla", "uht", "store")][-1] = 25.00
    seen = row(make().report(), "spreads", gap="Ultrapasteurizada − pasteurizada", within="Tiendas")
    assert (seen.now, seen.month, seen.cities) == (pytest.approx((4.00 + 2.00) / 2), pytest.approx(2.00), 2)


def test_a_city_is_set_against_its_markets_mean(make):
    seen = row(make().report(), "spread_cities", series="sonora/nogales/uht/supermarket")
    assert (seen.price, seen.gap) == (pytest.approx(24.50), pytest.approx(1.00))


def test_a_price_far_from_its_own_place_is_an_anomaly(make, table):
    table[NOGALES][-1] = 34.50
    report = make().report()
    found = report.tables["anomalies"].frame
    assert found["series"].tolist() == ["sonora/nogales/uht/supermarket"]
    assert found["hi"].iloc[0] < 34.50


def test_a_rise_of_the_whole_market_is_no_anomaly(make, table):
    for names in table:
        table[names][-1] *= 1.40
    assert make().report().tables["anomalies"].frame.empty


def test_a_series_is_frozen_when_it_stands_longer_than_it_ever_did(make, table):
    long = {names: [values[0]] * 20 + [values[0] + 0.1] * 80 for names, values in table.items()}
    long[GUADALAJARA] = [20.0 + 0.1 * (place % 2) for place in range(100)]
    frame = make(long).report().tables["frozen"].frame
    assert len(frame) == 11
    assert (frame["stood"] == 80).all()
    assert (frame["longest"] == 20).all()


def test_a_silent_series_is_named_with_its_reason_and_its_last_price(make, table, dates):
    table[GUADALAJARA][-3:] = [np.nan] * 3
    table[PUEBLA][:] = [np.nan] * 40
    report = make(zero=("Puebla",)).report()
    assert row(report, "missing", city="Guadalajara")[["why", "last"]].tolist() == ["Celda vacía", dates[-4]]
    lost = row(report, "missing", city="Puebla")
    assert lost["why"] == "0 en la fuente"
    assert pd.isna(lost["last"])
    assert report.tables["missing"].caption.startswith("2 series sin precio: 1 que nunca lo han tenido y 1 que sí.")


def test_every_warning_stands_in_a_banner_and_a_clean_report_has_none(make, table):
    known = make()
    assert known.report().banners == ()
    stamp = known.stamped(sample=True, is_baseline=True, stale_days=3)
    said = known.report(provenance=stamp).banners
    assert [banner.split(":")[0] for banner in said] == ["Datos de muestra", "Datos atrasados 3 días", "Pronóstico"]
    assert "sin cambio (línea base)" in said[2]
    for names in table:
        if names[0] == "Sonora":
            table[names][-1] = np.nan
    assert make().report().banners == ("Cobertura incompleta: sin precios de Sonora.",)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"publication": date(2025, 3, 30)}, "expected prices of that publication, found 2025-03-28 as the newest"),
        ({"day": date(2025, 3, 30)}, "expected publication <= day"),
        ({"next_publication": date(2025, 3, 31)}, "publication < next publication"),
        ({"publication": date(2023, 1, 2)}, "found nothing up to it"),
    ],
)
def test_a_report_of_another_date_than_its_prices_is_refused(make, changed, message):
    with pytest.raises(ReportError, match=message):
        make().report(**changed)


def test_forecasts_of_another_origin_or_without_a_column_are_refused(make):
    known = make()
    with pytest.raises(ReportError, match="found origins .'2025-03-28'"):
        known.report(forecasts=known.forecasts.assign(origin=pd.Timestamp("2025-03-28")))
    with pytest.raises(ReportError, match="expected the columns .'lo80'"):
        known.report(forecasts=known.forecasts.drop(columns="lo80"))
