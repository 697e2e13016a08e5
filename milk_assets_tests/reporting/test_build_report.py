"""The report's figures, calculated by hand on a market of three cities."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from milk_assets.reporting.model.report import ReportError

GUADALAJARA = ("Jalisco", "Guadalajara", "pasteurised", "store")
PUEBLA = ("Puebla", "Puebla", "pasteurised", "store")
NOGALES = ("Sonora", "Nogales", "uht", "supermarket")


def only_row(report, key, **values):
    frame = report.tables[key].frame
    for name, value in values.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1, f"{key}: {values} is in {len(frame)} rows"
    return frame.iloc[0]


def test_at_a_glance_has_the_change_since_the_last_publication_and_a_month_ago(make_inputs, table):
    table[GUADALAJARA][-1] = 20.60
    table[PUEBLA][-13:] = [21.30] * 13
    row = only_row(make_inputs().report(), "glance", average="Aritmético", milk="Pasteurizada", channel="Tiendas")
    assert row.price == pytest.approx((20.60 + 21.30 + 22.00) / 3)
    assert row.change_publication == pytest.approx(0.20)
    assert row.change_month == pytest.approx(0.30)
    assert row.percent_month == pytest.approx(100 * 0.30 / 21.00)
    assert np.isnan(row.change_year), "forty publications do not reach a year back"


def test_the_monthly_mean_is_the_mean_of_its_publications(make_inputs, table):
    march = 13  # publications of March 2025 up to the 31st
    table[GUADALAJARA][-march:] = [23.00] * march
    row = only_row(make_inputs().report(), "glance_months", average="Aritmético", milk="Pasteurizada", channel="Tiendas")
    assert row.this == pytest.approx(22.00)
    assert row.change == pytest.approx(1.00)
    assert "13 publicaciones" in make_inputs().report().tables["glance_months"].caption


def test_a_mover_has_its_earlier_price_and_how_long_that_applied(make_inputs, table, dates):
    table[GUADALAJARA][-6:] = [20.50, 20.50, np.nan, 20.50, 20.50, 21.75]
    row = only_row(make_inputs().report(), "movers")
    assert (row.before, row.price, row.change) == (20.50, 21.75, pytest.approx(1.25))
    assert row.stood == 4, "a blank cell neither counts nor breaks the run"
    assert row.since == dates[-6]


def test_a_missing_or_unchanged_price_is_not_a_mover(make_inputs, table):
    table[GUADALAJARA][-1] = np.nan
    table[PUEBLA][-1] += 0.001
    report = make_inputs().report()
    assert report.tables["movers"].frame.empty
    assert "Ningún precio cambió" in report.summary[1]


def test_movers_are_sorted_from_the_largest_rise_to_the_largest_fall(make_inputs, table):
    for names, change in ((GUADALAJARA, -2.0), (PUEBLA, 0.3), (NOGALES, 1.0)):
        table[names][-1] += change
    report = make_inputs().report()
    assert report.tables["movers"].frame["change"].round(2).tolist() == [1.0, 0.3, -2.0]
    assert report.summary[1] == "Desde la publicación anterior cambiaron 3 de 12 precios: 2 al alza y 1 a la baja."


def test_the_headline_says_how_the_four_markets_moved_in_a_month(make_inputs, table):
    assert make_inputs().report().headline == "La leche no se mueve en un mes"
    for names in table:
        table[names][-1] += 0.12 if names[2] == "uht" else 1.50
    assert make_inputs().report().headline == "La leche sube entre 12 centavos y 1.50 pesos por litro en un mes"
    for names in table:
        if names[2] == "uht":
            table[names][-1] -= 1
    assert make_inputs().report().headline == "La leche sube en dos mercados y baja en dos mercados en un mes"


def test_later_publications_do_not_change_a_figure(make_inputs, table):
    table[GUADALAJARA][-2:] = [20.40, 99.00]
    inputs = make_inputs()
    early = inputs.report(
        publication=date(2025, 3, 28),
        day=date(2025, 3, 28),
        next_publication=date(2025, 3, 31),
        forecasts=inputs.forecasts.iloc[:0],
    )
    assert only_row(early, "movers").price == 20.40
    assert early.tables["history"].frame["publication"].max() == pd.Timestamp("2025-03-28")


def test_a_forecast_is_compared_with_the_previous_forecast_of_the_same_target(make_inputs):
    inputs = make_inputs()
    earlier = inputs.forecasts.assign(origin=pd.Timestamp("2025-03-28"), forecast=inputs.forecasts["forecast"] - 0.07)
    earlier = earlier[earlier["target"] != pd.Timestamp("2025-09-01")]
    report = inputs.report(previous_forecasts=earlier)
    months = report.tables["outlook_months_arithmetic"].frame
    assert months.loc[months["target"] < "2025-09-01", "revision"].to_numpy() == pytest.approx(0.07)
    assert months.loc[months["target"] == "2025-09-01", "revision"].isna().all()
    assert "28 de marzo de 2025" in report.tables["outlook_months_arithmetic"].caption
    assert inputs.report().tables["outlook_months_arithmetic"].frame["revision"].isna().all()


def test_the_outlook_has_every_month_and_the_printed_leads(make_inputs):
    report = make_inputs().report()
    first = only_row(report, "outlook_months", city="Promedio aritmético", segment="Pasteurizada, tiendas")
    assert [first[f"forecast_{lead}"] for lead in (0, 1, 6)] == pytest.approx([21.00, 21.13, 21.78])
    ahead = report.tables["outlook_publications"].frame
    assert ahead.groupby("segment")["lead"].apply(list).tolist() == [[1, 3, 6, 13]] * 4
    assert len(report.tables["forecasts"].frame) == (12 + 8) * 21
    assert len(report.tables["series"].frame) == 12 + 8


def test_a_report_without_forecasts_says_so(make_inputs):
    inputs = make_inputs()
    report = inputs.report(forecasts=inputs.forecasts.iloc[:0])
    assert any("Sin pronóstico" in banner for banner in report.banners)
    assert report.tables["series"].frame.empty
    assert "no hay pronóstico" in report.tables["answers"].frame["answer"].iloc[-1]


def test_gaps_are_medians_over_the_cities_that_have_both_prices(make_inputs, table):
    table[("Jalisco", "Guadalajara", "uht", "store")][-1] = np.nan
    table[("Puebla", "Puebla", "uht", "store")][-1] = 25.00
    row = only_row(make_inputs().report(), "spreads", gap="Ultrapasteurizada − pasteurizada", within="Tiendas")
    assert (row.now, row.month, row.cities) == (pytest.approx((4.00 + 2.00) / 2), pytest.approx(2.00), 2)


def test_a_city_is_compared_with_the_mean_of_its_market(make_inputs):
    row = only_row(make_inputs().report(), "spread_cities", series="sonora/nogales/uht/supermarket")
    assert (row.price, row.gap) == (pytest.approx(24.50), pytest.approx(1.00))


def test_a_price_far_from_its_own_band_is_an_anomaly(make_inputs, table):
    table[NOGALES][-1] = 34.50
    report = make_inputs().report()
    anomalies = report.tables["anomalies"].frame
    assert anomalies["series"].tolist() == ["sonora/nogales/uht/supermarket"]
    assert anomalies["hi"].iloc[0] < 34.50


def test_a_rise_of_the_whole_market_is_not_an_anomaly(make_inputs, table):
    for names in table:
        table[names][-1] *= 1.40
    assert make_inputs().report().tables["anomalies"].frame.empty


def test_a_series_is_frozen_when_it_is_unchanged_for_longer_than_ever(make_inputs, table):
    long = {names: [values[0]] * 20 + [values[0] + 0.1] * 80 for names, values in table.items()}
    long[GUADALAJARA] = [20.0 + 0.1 * (index % 2) for index in range(100)]
    frame = make_inputs(long).report().tables["frozen"].frame
    assert len(frame) == 11
    assert (frame["stood"] == 80).all()
    assert (frame["longest"] == 20).all()


def test_a_series_without_a_price_is_listed_with_its_reason_and_its_last_price(make_inputs, table, dates):
    table[GUADALAJARA][-3:] = [np.nan] * 3
    table[PUEBLA][:] = [np.nan] * 40
    report = make_inputs(zero=("Puebla",)).report()
    assert only_row(report, "missing", city="Guadalajara")[["why", "last"]].tolist() == ["Celda vacía", dates[-4]]
    lost = only_row(report, "missing", city="Puebla")
    assert lost["why"] == "0 en la fuente"
    assert pd.isna(lost["last"])
    assert report.tables["missing"].caption.startswith("2 series sin precio: 1 que nunca lo han tenido y 1 que sí.")


def test_every_warning_is_a_banner_and_a_normal_report_has_none(make_inputs, table):
    inputs = make_inputs()
    assert inputs.report().banners == ()
    stamp = inputs.provenance_with(sample=True, is_baseline=True, stale_days=3)
    banners = inputs.report(provenance=stamp).banners
    assert [str(banner).split(":")[0] for banner in banners] == ["Datos de muestra", "Datos atrasados 3 días", "Pronóstico"]
    assert "sin cambio (línea base)" in banners[2]
    for names in table:
        if names[0] == "Sonora":
            table[names][-1] = np.nan
    assert make_inputs().report().banners == ("Cobertura incompleta: sin precios de Sonora.",)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"publication": date(2025, 3, 30)}, "expected prices of that publication, found 2025-03-28 as the newest"),
        ({"day": date(2025, 3, 30)}, "expected publication <= day"),
        ({"next_publication": date(2025, 3, 31)}, "publication < next publication"),
        ({"publication": date(2023, 1, 2)}, "found nothing up to it"),
    ],
)
def test_a_report_of_another_date_than_its_prices_is_rejected(make_inputs, changed, message):
    with pytest.raises(ReportError, match=message):
        make_inputs().report(**changed)


def test_forecasts_of_another_origin_or_without_a_column_are_rejected(make_inputs):
    inputs = make_inputs()
    with pytest.raises(ReportError, match="found origins .'2025-03-28'"):
        inputs.report(forecasts=inputs.forecasts.assign(origin=pd.Timestamp("2025-03-28")))
    with pytest.raises(ReportError, match="expected the columns .'lo80'"):
        inputs.report(forecasts=inputs.forecasts.drop(columns="lo80"))
