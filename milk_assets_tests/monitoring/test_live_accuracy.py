"""Live accuracy on synthetic records, where every measure can be computed by hand."""

import pandas as pd
import pytest

from milk_assets.monitoring.detection.live_accuracy import (
    RECENT_PUBLICATIONS,
    RECORD_COLUMNS,
    WINDOW_PUBLICATIONS,
    alarms,
    breaches,
    concatenate_records,
    performance_alarm,
    recent_measures,
    rolling_measures,
)
from milk_assets.monitoring.detection.live_accuracy_report import LiveAccuracyReport, live_accuracy_document
from milk_assets.promotion.policy import HORIZONS

DAYS = pd.bdate_range("2025-01-01", periods=20)
CITIES = 10


def record(days=DAYS, *, error=0.5, leads=HORIZONS, role="champion", half_width=1.0, p_same=0.5) -> pd.DataFrame:
    """Prices that rise from 20 to 21 in half of the cities. Forecasts miss by `error`, the no-change forecast by 1 or 0."""
    rows = [
        {
            "origin": day - pd.Timedelta(days=3 * lead),
            "target": day,
            "task": "publication",
            "lead": lead,
            "series": f"s{city}",
            "milk": "uht" if city < 5 else "pasteurised",
            "channel": "store",
            "level": "city",
            "role": role,
            "model_version": "3",
            "last_price": 20.0,
            "no_change": 20.0,
            "actual": 21.0 if city % 2 else 20.0,
            "forecast": (21.0 if city % 2 else 20.0) + (error if city < 5 else -error),
            "lo80": 20.5 - half_width,
            "hi80": 20.5 + half_width,
            "lo95": 15.0,
            "hi95": 25.0,
            "p_same": p_same,
        }
        for day in days
        for lead in leads
        for city in range(CITIES)
    ]
    return pd.DataFrame(rows)


def healthy(days=DAYS, **changes) -> pd.DataFrame:
    """A record without a breach: an error of 0.4 where no change has 0.5, and 8 of 10 prices inside the interval."""
    table = record(days, **({"error": 0.4, "p_same": 0.45} | changes))
    better = table.assign(p_same=[0.3 if actual > 20 else 0.7 for actual in table["actual"]])
    return better.assign(hi80=better["hi80"].where(~better["series"].isin(["s4", "s5"]), 19.0))


def test_measures_are_averaged_over_the_prices_of_a_date_first():
    table = rolling_measures(record(error=0.25))
    newest = table.iloc[-1]
    assert newest["skill"] == pytest.approx(0.5), "an error of 0.25 where no change has 0.5 on average"
    assert (newest["mae"], newest["mae_no_change"]) == pytest.approx((0.25, 0.5))
    assert newest["bias"] == pytest.approx(0.0)
    assert (newest["cover80"], newest["cover95"]) == (1.0, 1.0)
    assert newest["brier"] == pytest.approx(0.25)
    assert newest["brier_ratio"] == pytest.approx(1.0), "always forecasting the mean rate is the reference"
    assert list(table["dates"]) == [
        *range(1, WINDOW_PUBLICATIONS),
        *[WINDOW_PUBLICATIONS] * (len(DAYS) - WINDOW_PUBLICATIONS + 1),
    ]


def test_a_date_with_many_prices_counts_as_much_as_one_with_few():
    few = record(DAYS[:1], error=1.0)
    many = pd.concat([record(DAYS[1:2], error=0.0)] * 5)
    assert rolling_measures(pd.concat([few, many])).iloc[-1]["mae"] == pytest.approx(0.5)


def test_a_healthy_record_raises_no_alarm():
    assert breaches(healthy()) == []
    assert performance_alarm(healthy()) is None


def test_one_bad_publication_raises_no_alarm_and_a_second_within_five_does():
    bad = healthy(DAYS[-1:], error=0.6)
    assert performance_alarm(pd.concat([healthy(DAYS[:-1]), bad])) is None
    earlier = healthy(DAYS[-RECENT_PUBLICATIONS:][:1], error=0.6)
    rest = healthy([day for day in DAYS if day not in {DAYS[-1], DAYS[-RECENT_PUBLICATIONS]}])
    (breach,) = alarms(pd.concat([rest, earlier, bad]))
    assert (breach.rule, breach.publication) == ("skill_at_once", DAYS[-1])
    assert breach.figure == pytest.approx(1.2)
    assert "1.200, expected at most 1.02" in performance_alarm(pd.concat([rest, earlier, bad]))


def test_an_alarm_ends_when_the_newest_publication_has_no_breach():
    bad = healthy(DAYS[-3:-1], error=0.6)
    assert performance_alarm(pd.concat([healthy(DAYS[:-3]), bad])) is not None
    assert performance_alarm(pd.concat([healthy(DAYS[:-3]), bad, healthy(DAYS[-1:])])) is None


def test_two_breaches_more_than_five_publications_apart_raise_no_alarm():
    when = [DAYS[-1], DAYS[-RECENT_PUBLICATIONS - 1]]
    table = pd.concat([healthy([day for day in DAYS if day not in when]), healthy(when, error=0.6)])
    assert len([breach for breach in breaches(table) if breach.rule == "skill_at_once"]) == 2
    assert performance_alarm(table) is None


def test_a_month_slightly_worse_than_no_change_raises_an_alarm_even_if_no_date_does():
    assert {breach.rule for breach in alarms(healthy(error=0.505))} == {"skill"}


@pytest.mark.parametrize(("half_width", "figure"), [(0.1, 0.0), (2.0, 1.0)])
def test_intervals_that_are_too_narrow_or_too_wide_raise_an_alarm(half_width, figure):
    table = record(error=0.4, half_width=half_width, p_same=0.49)
    figures = {breach.rule: breach.figure for breach in alarms(table) if breach.rule.startswith("coverage")}
    assert figures == {"coverage": figure, "coverage_at_once": figure}


def test_a_bias_of_half_a_peso_a_month_ahead_raises_an_alarm():
    table = healthy()
    shifted = table.assign(forecast=table["actual"] + 0.49)
    assert {breach.rule for breach in alarms(shifted)} == {"bias"}


def test_probabilities_worse_than_a_constant_rate_raise_an_alarm():
    table = healthy()
    assert {breach.rule for breach in alarms(table.assign(p_same=1 - table["p_same"]))} == {"brier"}


def test_the_no_change_baseline_never_breaches_the_rules_on_errors():
    table = healthy()
    assert {breach.rule for breach in breaches(table.assign(forecast=table["no_change"]))} & {"skill", "skill_at_once"} == set()


def test_a_bad_challenger_raises_no_alarm_for_the_champion():
    both = pd.concat([healthy(), record(error=3.0, role="challenger")])
    assert performance_alarm(both) is None
    assert performance_alarm(both, role="challenger") is not None


def test_a_new_system_is_not_judged_before_its_third_horizon():
    assert rolling_measures(record(leads=(1, 3)))[["skill", "cover80"]].isna().all(axis=None)
    assert rolling_measures(record(leads=(1, 3, 6)))[["skill", "cover80"]].notna().all(axis=None)
    assert performance_alarm(record(leads=(1, 3), error=5.0)) is None
    assert performance_alarm(record(DAYS[:1], error=5.0)) is None
    assert performance_alarm(concatenate_records([])) is None


def test_a_record_without_a_column_is_rejected_with_its_name():
    with pytest.raises(ValueError, match="expected the columns \\['role'\\] too"):
        performance_alarm(record().drop(columns="role"))


def test_measures_by_segment_and_horizon_cover_the_newest_month():
    old, new = healthy(DAYS[:-WINDOW_PUBLICATIONS]), healthy(DAYS[-WINDOW_PUBLICATIONS:], error=0.2)
    by_segment = recent_measures(pd.concat([old, new]), ["milk", "channel"]).set_index("milk")
    assert by_segment.loc["uht", "dates"] == WINDOW_PUBLICATIONS
    assert by_segment.loc["uht", "mae"] == pytest.approx(0.2)
    assert by_segment.loc["uht", "mae_no_change"] == pytest.approx(0.4)
    assert by_segment.loc["pasteurised", "ratio"] == pytest.approx(0.2 / 0.6)
    assert by_segment.loc["uht", "bias"] == pytest.approx(0.2)
    assert by_segment.loc["uht", "forecasts"] == WINDOW_PUBLICATIONS * 5 * len(HORIZONS)
    assert list(recent_measures(new, ["lead"])["lead"]) == list(HORIZONS)


def test_the_document_has_no_nan_and_names_its_publication():
    import json

    document = live_accuracy_document(healthy())
    assert document["publication"] == f"{DAYS[-1]:%Y-%m-%d}"
    assert (document["versions"], document["version"]) == (["3"], "3")
    assert document["newest"]["skill"] == pytest.approx(0.8)
    assert document["alarm"] is None
    assert len(document["history"]) == len(DAYS)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert LiveAccuracyReport.model_validate(document).model_dump(mode="json", by_alias=True) == document
    empty = live_accuracy_document(concatenate_records([]))
    assert (empty["newest"], empty["history"], empty["alarm"], empty["by_horizon"]) == (None, [], None, [])


def test_the_version_is_that_of_the_newest_forecasts_even_if_older_ones_come_due_with_them():
    table = healthy()
    table = table.assign(model_version=["4" if lead == 1 else "3" for lead in table["lead"]])
    document = live_accuracy_document(table)
    assert (document["versions"], document["version"]) == (["3", "4"], "4")


def test_monthly_national_and_unresolved_forecasts_do_not_count():
    table = healthy()
    extra = [table.assign(task="month"), table.assign(level="national"), table.assign(actual=float("nan"))]
    noisy = pd.concat([table, *(part.assign(forecast=99.0) for part in extra)])
    assert rolling_measures(noisy)["mae"].tolist() == pytest.approx(rolling_measures(table)["mae"].tolist())


def test_the_required_columns_are_columns_of_the_record():
    assert set(RECORD_COLUMNS) <= set(record().columns)


def test_the_document_of_an_early_release_is_read():
    document = live_accuracy_document(healthy())
    old = {key: value for key, value in document.items() if key not in ("schema", "version", "sample")}
    report = LiveAccuracyReport.model_validate(old)
    assert (report.version, report.newest.skill, report.alarms) == (None, document["newest"]["skill"], ())


def test_the_rows_of_the_document_start_with_their_group():
    document = live_accuracy_document(healthy())
    assert next(iter(document["by_horizon"][0])) == "lead"
    assert list(document["by_segment"][0])[:2] == ["milk", "channel"]
    assert next(iter(document["history"][0])) == "publication"
