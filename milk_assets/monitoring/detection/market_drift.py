"""Market drift: whether the newest publications behave as this source has always behaved, market by market.

Belongs here: the tests, their thresholds, coverage, and Evidently's report on the same windows. Not here: alerts
(`milk_assets.monitoring.alerts`), writing files, and the drift that forecasts add to national averages (`milk_model.drift`).
"""

import json
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from milk_assets.monitoring.detection.drift_signals import signals
from milk_assets.monitoring.detection.stored_document import MonitoringDocument

CURRENT_PUBLICATIONS = 4
"""Publications in the current window. Three miss a frozen feed (no change on three dates happens); with six, a step in one market is
diluted by ordinary dates. Four detect both on real prices."""
REFERENCE_PUBLICATIONS = 78
"""Publications in the reference window before it: half a year, so that a season does not count as drift."""
THRESHOLD_PERCENTILE = 99
"""Percentile of the statistic's own rolling history that the threshold is based on."""
THRESHOLD_MARGIN = 1.5
"""The threshold is that percentile times this. Windows overlap, so a hundred of them are about twenty-five independent ones and
their 99th percentile is close to the maximum so far. Without a margin, one of the twelve signals exceeds it on 40 % of quiet dates;
with it, on 2 % (58 real dates), and every injected step and freeze is still detected."""
LEAST_HISTORY = 40
"""Windows of history below which a 99th percentile means little."""
COVERAGE_PUBLICATIONS = 26
"""Publications over which a series counts as usually priced: two months."""
USUAL_SHARE = 0.5
"""Share of those publications with a price from which a missing price is reported."""
LEAST_DRIFT_COVERAGE = 0.90
"""Share of usually priced series that must be priced. The blocking check at ingestion uses the same figure for its own set of series."""
REPEATED_PUBLICATIONS = 2
"""Publications in a row on which a signal must exceed its threshold before it is reported."""

DriftOutcome = Literal["quiet", "breached", "too_little_history"]


@dataclass(frozen=True)
class Regime:
    """How a signal is judged.

    Attributes:
        reference: Publications in the reference window.
        least_history: Minimum number of windows of history.
        margin: Factor on the percentile.
    """

    reference: int
    least_history: int
    margin: float

    @property
    def needed_publications(self) -> int:
        """Publications needed for a verdict: current window, reference, one window between it and the history, the history."""
        return CURRENT_PUBLICATIONS + self.reference + CURRENT_PUBLICATIONS + self.least_history


FULL_REGIME = Regime(REFERENCE_PUBLICATIONS, LEAST_HISTORY, THRESHOLD_MARGIN)
EARLY_REGIME = Regime(26, 20, 2.5)
"""From the fourth to the tenth month, before there is enough history for FULL_REGIME: a reference of two months, and the margin that few
windows need. Over 60 such real publications one signal exceeded it once, and none twice in a row; with a margin of 2, two did."""
NEEDED_PUBLICATIONS = EARLY_REGIME.needed_publications
"""Publications needed for any verdict: 54, which is four months. From 126 on, ten months, FULL_REGIME applies."""


@dataclass(frozen=True)
class SegmentDrift:
    """The verdict on one signal of one market. Figures are None where there is too little history.

    Attributes:
        signal: `returns`, `changed` or `spread`.
        milk: Kind of milk of the market.
        channel: Sales channel of the market.
        outcome: The verdict.
        statistic: Wasserstein distance between current and reference window, in standard deviations of the reference.
        threshold: THRESHOLD_PERCENTILE of the statistic's history times the regime's margin.
        current: Mean of the current window, per cent.
        reference: Mean of the reference window, per cent.
        repeated: Whether it is breached at this publication and at the REPEATED_PUBLICATIONS - 1 before it.
    """

    signal: str
    milk: str
    channel: str
    outcome: DriftOutcome
    statistic: float | None
    threshold: float | None
    current: float | None
    reference: float | None
    repeated: bool = False

    @property
    def breached(self) -> bool:
        """Whether the signal exceeds its threshold."""
        return self.outcome == "breached"

    @property
    def column(self) -> str:
        """The signal's column in `signals`."""
        return f"{self.signal} {self.milk}/{self.channel}"


@dataclass(frozen=True)
class CoverageDrift:
    """Which of the usual prices are missing.

    Attributes:
        outcome: The verdict.
        priced: Number of usually priced series that have a price.
        usual: Number of usually priced series.
        missing_states: States that usually have prices and have none.
    """

    outcome: DriftOutcome
    priced: int
    usual: int
    missing_states: tuple[str, ...]

    @property
    def share(self) -> float:
        """Share of the usually priced series that have a price; 1.0 where no series is usually priced."""
        return self.priced / self.usual if self.usual else 1.0

    @property
    def breached(self) -> bool:
        """Whether a state or too many series are missing."""
        return self.outcome == "breached"


class DriftReport(MonitoringDocument):
    """The drift of a publication, as it is stored.

    Attributes:
        publication: Date of the publication.
        outcome: The verdict on all signals and the coverage.
        signals: Verdict on each signal.
        coverage: Verdict on missing prices.
        unchanged_publications: Newest publications in a row that changed no price.
        evidently: Evidently's own result; None where it did not run.
    """

    publication: date
    outcome: DriftOutcome
    signals: tuple[SegmentDrift, ...]
    coverage: CoverageDrift
    unchanged_publications: int = Field(default=0, validation_alias="unchanged", serialization_alias="unchanged")
    evidently: dict[str, Any] | None = None


@dataclass(frozen=True)
class Drift:
    """The verdicts on one publication.

    Attributes:
        publication: Date of the publication.
        results: Verdict on each signal.
        coverage: Verdict on missing prices.
        evidently: Evidently's result on the same windows, as a dict; None where it did not run.
        html: Evidently's page; None where it did not run.
    """

    publication: date
    results: tuple[SegmentDrift, ...]
    coverage: CoverageDrift
    evidently: dict[str, Any] | None = None
    html: str | None = None

    @property
    def breaches(self) -> tuple[SegmentDrift, ...]:
        """The signals that exceed their threshold."""
        return tuple(result for result in self.results if result.breached)

    @property
    def repeated(self) -> tuple[SegmentDrift, ...]:
        """The signals that exceed their threshold for the second publication in a row."""
        return tuple(result for result in self.results if result.repeated)

    @property
    def outcome(self) -> DriftOutcome:
        """breached if any signal or the coverage is; else too_little_history if no signal could be judged; else quiet."""
        if self.coverage.breached or self.breaches:
            return "breached"
        has_verdict = any(result.outcome == "quiet" for result in self.results)
        return "quiet" if has_verdict else "too_little_history"

    def thresholds(self) -> dict[str, float | None]:
        """Signal and market → its threshold. Stored, so that readers need not compute it again."""
        return {result.column: result.threshold for result in self.results}

    def to_document(self) -> dict[str, Any]:
        """The verdicts as plain values for JSON; the count of unchanged publications is added by the caller."""
        report = DriftReport(
            publication=self.publication,
            outcome=self.outcome,
            signals=self.results,
            coverage=self.coverage,
            evidently=self.evidently,
        )
        return report.model_dump(mode="json", by_alias=True)


def drift_report(prices: pd.DataFrame, publication: date, *, evidence: bool = True) -> Drift:
    """Judge the drift of a publication.

    Args:
        prices: The prices frame; rows after `publication` are not used.
        publication: Date of the publication.
        evidence: Whether to run Evidently on the same windows and thresholds (one or two seconds, and a page of some megabytes).

    Returns:
        The verdicts. Too little history is an outcome, not an error.

    Raises:
        ValueError: The prices do not contain this publication.
    """
    moment = pd.Timestamp(publication)
    known_prices = prices[prices["publication"] <= moment]
    if known_prices.empty or known_prices["publication"].max() != moment:
        newest = "no publication" if known_prices.empty else str(known_prices["publication"].max().date())
        raise ValueError(
            f"Drift of {publication}: expected prices of that publication, the newest found: {newest}. Read its workbook first."
        )
    table = signals(known_prices)
    results = tuple(_judge_repeated(str(name), table[name].to_numpy()) for name in table)
    coverage = coverage_drift(known_prices)
    if not evidence or any(result.outcome == "too_little_history" for result in results):
        return Drift(publication, results, coverage)
    evidently_result, page = _evidently(table, results)
    return Drift(publication, results, coverage, evidently_result, page)


def _judge_repeated(name: str, values: np.ndarray) -> SegmentDrift:
    newest = _judge(name, values)
    earlier = (_judge(name, values[:-back]) for back in range(1, REPEATED_PUBLICATIONS))
    return replace(newest, repeated=newest.breached and all(verdict.breached for verdict in earlier))


def _judge(name: str, values: np.ndarray) -> SegmentDrift:
    signal, market = name.split(" ", 1)
    milk, channel = market.split("/")
    regime = regime_of(len(values) + 1)
    if regime is None:
        return SegmentDrift(signal, milk, channel, "too_little_history", None, None, None, None)
    history = rolling_statistic(values, regime.reference)
    statistic = history[-1]
    threshold = regime.margin * float(np.percentile(history[:-CURRENT_PUBLICATIONS], THRESHOLD_PERCENTILE))
    current, reference = values[-CURRENT_PUBLICATIONS:], values[-CURRENT_PUBLICATIONS - regime.reference : -CURRENT_PUBLICATIONS]
    outcome: DriftOutcome = "breached" if statistic > threshold else "quiet"
    return SegmentDrift(signal, milk, channel, outcome, statistic, threshold, float(current.mean()), float(reference.mean()))


def regime_of(publications: int) -> Regime | None:
    """How to judge this number of publications; None where there are too few."""
    return next((regime for regime in (FULL_REGIME, EARLY_REGIME) if publications >= regime.needed_publications), None)


def rolling_statistic(values: np.ndarray, reference: int = REFERENCE_PUBLICATIONS) -> list[float]:
    """The statistic of every window of `values`, (T,), each against the `reference` publications before it, oldest first."""
    ends = range(CURRENT_PUBLICATIONS + reference, len(values) + 1)
    starts = [end - CURRENT_PUBLICATIONS for end in ends]  # of the current windows
    return [distance(values[start - reference : start], values[start : start + CURRENT_PUBLICATIONS]) for start in starts]


def repeated_breaches(prices: pd.DataFrame) -> pd.DataFrame:
    """Judge every publication of the past at once, as `drift_report` would have on its day.

    The whole past takes as long as the verdict on one publication.

    Returns:
        Publications × signals: whether the signal was breached at REPEATED_PUBLICATIONS in a row; False where there is too little history.
    """
    table = signals(prices)
    breached = pd.DataFrame({name: _breached(table[name].to_numpy()) for name in table}, index=table.index)
    return breached.astype(int).rolling(REPEATED_PUBLICATIONS).min().fillna(0).astype(bool)


def _breached(values: np.ndarray) -> np.ndarray:
    """The verdict at each of `values`, (T,), from the values up to it."""
    statistics = {regime: np.array(rolling_statistic(values, regime.reference)) for regime in (FULL_REGIME, EARLY_REGIME)}
    verdicts = np.zeros(len(values), dtype=bool)
    for end in range(len(values)):
        regime = regime_of(end + 2)
        if regime is not None:
            history = statistics[regime][: end + 2 - CURRENT_PUBLICATIONS - regime.reference]
            verdicts[end] = history[-1] > regime.margin * np.percentile(history[:-CURRENT_PUBLICATIONS], THRESHOLD_PERCENTILE)
    return verdicts


def distance(reference: np.ndarray, current: np.ndarray) -> float:
    """Wasserstein distance in standard deviations of the reference, with the same floor as Evidently's "wasserstein"."""
    from scipy.stats import wasserstein_distance

    return float(wasserstein_distance(reference, current) / max(float(np.std(reference)), 0.001))


def coverage_drift(prices: pd.DataFrame) -> CoverageDrift:
    """Whether the usual prices are present at the newest publication of the frame, by series and by state."""
    is_priced = prices.pivot(index="publication", columns="series", values="price").sort_index().notna()
    window = is_priced.iloc[:-1].tail(COVERAGE_PUBLICATIONS)
    if len(window) < COVERAGE_PUBLICATIONS:
        return CoverageDrift("too_little_history", 0, 0, ())
    usual = window.columns[window.mean() >= USUAL_SHARE]
    priced = is_priced.iloc[-1][usual]
    states = prices.drop_duplicates("series").set_index("series")["state"].loc[usual]
    has_price = priced.groupby(states).any()
    missing = tuple(sorted(has_price.index[~has_price]))
    is_low = len(usual) > 0 and priced.mean() < LEAST_DRIFT_COVERAGE
    outcome: DriftOutcome = "breached" if missing or is_low else "quiet"
    return CoverageDrift(outcome, int(priced.sum()), len(usual), missing)


def _evidently(table: pd.DataFrame, results: tuple[SegmentDrift, ...]) -> tuple[dict[str, Any], str]:
    """Evidently's dict and page for the two windows: one value-drift metric per signal, at its threshold."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    names = list(table.columns)
    thresholds = {result.column: result.threshold for result in results}
    definition = DataDefinition(numerical_columns=names)
    current = Dataset.from_pandas(table.iloc[-CURRENT_PUBLICATIONS:].reset_index(drop=True), data_definition=definition)
    regime = regime_of(len(table) + 1) or FULL_REGIME
    reference_rows = table.iloc[-CURRENT_PUBLICATIONS - regime.reference : -CURRENT_PUBLICATIONS]
    reference = Dataset.from_pandas(reference_rows.reset_index(drop=True), data_definition=definition)
    metrics = [ValueDrift(column=name, method="wasserstein", threshold=thresholds[name]) for name in names]
    snapshot = Report(metrics).run(current, reference)
    return json.loads(snapshot.json()), snapshot.get_html_str(as_iframe=False)
