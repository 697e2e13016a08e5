"""Drift: whether the newest publications behave as this source has always behaved, market by market.

Belongs here: the tests, their thresholds, coverage, and Evidently's report of the same windows. Alerts and writing are elsewhere.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd

from milk_assets.monitoring.detection.drift_signals import signals

CURRENT = 4
"""Publications judged together. Three miss a frozen feed (no change on three dates happens); with six, a step on one market is
diluted among ordinary dates. Four catch both on real prices."""
REFERENCE = 78
"""Publications before them that they are compared with: half a year, so that a season does not count as drift."""
PERCENTILE = 99
"""Of the statistic's own rolling history."""
MARGIN = 1.5
"""The threshold is that percentile times this. Windows overlap, so a hundred of them are some twenty-five independent ones and
their 99th percentile is little more than the largest yet: alone it is passed on 40 % of quiet dates by one of the twelve
signals, with the margin on 2 % (58 real dates), and every injected step and freeze is still caught."""
ENOUGH = 40
"""Windows of history below which a 99th percentile means little."""
COVERAGE_WINDOW = 26
"""Publications over which a series counts as usually priced: two months."""
USUAL = 0.5
"""Share of those publications with a price from which its absence is news."""
LEAST_COVERAGE = 0.90
"""Share of usually priced series that must be priced. The blocking check at ingestion stands at the same figure."""

IN_A_ROW = 2
"""Publications at which a signal must be out of its history, one after the other, before anybody is told."""

Outcome = Literal["quiet", "breached", "too_little_history"]


@dataclass(frozen=True)
class Regime:
    """How a signal is judged: publications in the reference, windows of history at least, and what the percentile is times."""

    reference: int
    enough: int
    margin: float

    @property
    def needed(self) -> int:
        """Publications needed for a verdict: a window, its reference, one window of distance, the history."""
        return CURRENT + self.reference + CURRENT + self.enough


FULL = Regime(REFERENCE, ENOUGH, MARGIN)
EARLY = Regime(26, 20, 2.5)
"""Before there is history enough for FULL, from the fourth month to the tenth: a reference of two months, and the room that the
few windows ask for. Over 60 such real publications one signal passed it once, none twice in a row; with a margin of 2, two did."""
NEEDED = EARLY.needed
"""Publications needed for any verdict: 54 are four months. With 126, ten months, FULL judges."""


@dataclass(frozen=True)
class SegmentDrift:
    """One signal of one market. statistic: Wasserstein distance between the newest publications and the reference, in standard
    deviations of the reference. threshold: PERCENTILE of its history times the regime's margin. current, reference: means of the two
    windows, per cent. repeated: breached at this publication and at the IN_A_ROW - 1 before it. Figures are None where there is too
    little history."""

    signal: str
    milk: str
    channel: str
    outcome: Outcome
    statistic: float | None
    threshold: float | None
    current: float | None
    reference: float | None
    repeated: bool = False

    @property
    def breached(self) -> bool:
        """Whether this signal is out of its own history."""
        return self.outcome == "breached"


@dataclass(frozen=True)
class CoverageDrift:
    """What is missing that used to be there. priced of usual: series. missing_states: states with usual series and no price."""

    outcome: Outcome
    priced: int
    usual: int
    missing_states: tuple[str, ...]

    @property
    def share(self) -> float:
        """Share of the usually priced series that are priced; 1.0 when there is none to miss."""
        return self.priced / self.usual if self.usual else 1.0

    @property
    def breached(self) -> bool:
        """Whether a state or too many series are missing."""
        return self.outcome == "breached"


@dataclass(frozen=True)
class Drift:
    """The verdicts on one publication. evidently and html: Evidently's result of the same windows (its dict and its page), None
    when it was not asked for or there is too little history."""

    publication: date
    results: tuple[SegmentDrift, ...]
    coverage: CoverageDrift
    evidently: dict[str, Any] | None = None
    html: str | None = None

    @property
    def breaches(self) -> tuple[SegmentDrift, ...]:
        """The signals out of their own history."""
        return tuple(result for result in self.results if result.breached)

    @property
    def repeated(self) -> tuple[SegmentDrift, ...]:
        """The signals out of their own history for the second publication in a row."""
        return tuple(result for result in self.results if result.repeated)

    def thresholds(self) -> dict[str, float | None]:
        """Signal and market → the threshold it was held against: kept, so that a later reader need not recompute it."""
        return {f"{one.signal} {one.milk}/{one.channel}": one.threshold for one in self.results}

    def to_document(self) -> dict[str, Any]:
        """The verdicts as plain values, for JSON."""
        return {
            "publication": self.publication.isoformat(),
            "outcome": self.outcome,
            "signals": [asdict(result) for result in self.results],
            "coverage": asdict(self.coverage),
            "evidently": self.evidently,
        }

    @property
    def outcome(self) -> Outcome:
        """breached if any signal or the coverage is; else too_little_history if no signal could be judged; else quiet."""
        if self.coverage.breached or self.breaches:
            return "breached"
        judged = any(result.outcome == "quiet" for result in self.results)
        return "quiet" if judged else "too_little_history"


def drift_report(prices: pd.DataFrame, publication: date, *, evidence: bool = True) -> Drift:
    """The drift of `publication`, from the prices frame; rows after it are not looked at.

    evidence: also run Evidently on the same windows with the same thresholds (a second or two, and a page of some megabytes).
    ValueError when the prices hold no such publication. Too little history is an outcome, not an error.
    """
    moment = pd.Timestamp(publication)
    known = prices[prices["publication"] <= moment]
    if known.empty or known["publication"].max() != moment:
        newest = "none" if known.empty else str(known["publication"].max().date())
        raise ValueError(
            f"Drift of {publication}: expected prices of that publication, newest found is {newest}. Read its workbook first."
        )
    table = signals(known)
    results = tuple(_judge_repeated(str(name), table[name].to_numpy()) for name in table)
    coverage = coverage_drift(known)
    if not evidence or any(result.outcome == "too_little_history" for result in results):
        return Drift(publication, results, coverage)
    found, page = _evidently(table, results)
    return Drift(publication, results, coverage, found, page)


def _judge_repeated(name: str, values: np.ndarray) -> SegmentDrift:
    newest = _judge(name, values)
    earlier = (_judge(name, values[:-back]) for back in range(1, IN_A_ROW))
    return replace(newest, repeated=newest.breached and all(one.breached for one in earlier))


def _judge(name: str, values: np.ndarray) -> SegmentDrift:
    signal, market = name.split(" ", 1)
    milk, channel = market.split("/")
    regime = regime_of(len(values) + 1)
    if regime is None:
        return SegmentDrift(signal, milk, channel, "too_little_history", None, None, None, None)
    history = rolling(values, regime.reference)
    statistic = history[-1]
    threshold = regime.margin * float(np.percentile(history[:-CURRENT], PERCENTILE))
    now, before = values[-CURRENT:], values[-CURRENT - regime.reference : -CURRENT]
    outcome: Outcome = "breached" if statistic > threshold else "quiet"
    return SegmentDrift(signal, milk, channel, outcome, statistic, threshold, float(now.mean()), float(before.mean()))


def regime_of(publications: int) -> Regime | None:
    """How that many publications are judged; None where they are too few."""
    return next((regime for regime in (FULL, EARLY) if publications >= regime.needed), None)


def rolling(values: np.ndarray, reference: int = REFERENCE) -> list[float]:
    """The statistic of every window of `values`, (T,), each against the `reference` publications before it, oldest first."""
    ends = range(CURRENT + reference, len(values) + 1)
    return [distance(values[end - CURRENT - reference : end - CURRENT], values[end - CURRENT : end]) for end in ends]


def repeated_breaches(prices: pd.DataFrame) -> pd.DataFrame:
    """Whether each signal, as `drift_report` judges it, was out of its history for the IN_A_ROW-th time at each publication.

    Returns publications x signals, False where there is too little history: the whole past at the price of one publication's verdict.
    """
    table = signals(prices)
    breached = pd.DataFrame({name: _breached(table[name].to_numpy()) for name in table}, index=table.index)
    return breached.astype(int).rolling(IN_A_ROW).min().fillna(0).astype(bool)


def _breached(values: np.ndarray) -> np.ndarray:
    """The verdict at each of `values`, (T,), from what stands before it."""
    past = {regime: np.array(rolling(values, regime.reference)) for regime in (FULL, EARLY)}
    verdicts = np.zeros(len(values), dtype=bool)
    for end in range(len(values)):
        regime = regime_of(end + 2)
        if regime is not None:
            known = past[regime][: end + 2 - CURRENT - regime.reference]
            verdicts[end] = known[-1] > regime.margin * np.percentile(known[:-CURRENT], PERCENTILE)
    return verdicts


def distance(reference: np.ndarray, current: np.ndarray) -> float:
    """Wasserstein distance in standard deviations of the reference, as Evidently's "wasserstein" computes it, floor included."""
    from scipy.stats import wasserstein_distance

    return float(wasserstein_distance(reference, current) / max(float(np.std(reference)), 0.001))


def coverage_drift(prices: pd.DataFrame) -> CoverageDrift:
    """Whether what was usually priced is priced at the newest publication of the frame, by series and by whole state."""
    wide = prices.pivot(index="publication", columns="series", values="price").sort_index().notna()
    before = wide.iloc[:-1].tail(COVERAGE_WINDOW)
    if len(before) < COVERAGE_WINDOW:
        return CoverageDrift("too_little_history", 0, 0, ())
    usual = before.columns[before.mean() >= USUAL]
    priced = wide.iloc[-1][usual]
    states = prices.drop_duplicates("series").set_index("series")["state"].loc[usual]
    present = priced.groupby(states).any()
    missing = tuple(sorted(present.index[~present]))
    low = len(usual) > 0 and priced.mean() < LEAST_COVERAGE
    outcome: Outcome = "breached" if missing or low else "quiet"
    return CoverageDrift(outcome, int(priced.sum()), len(usual), missing)


def _evidently(table: pd.DataFrame, results: tuple[SegmentDrift, ...]) -> tuple[dict[str, Any], str]:
    """Evidently's dict and page for the two windows, one value-drift metric a signal at our threshold."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.metrics import ValueDrift

    names = list(table.columns)
    thresholds = {f"{one.signal} {one.milk}/{one.channel}": one.threshold for one in results}
    definition = DataDefinition(numerical_columns=names)
    current = Dataset.from_pandas(table.iloc[-CURRENT:].reset_index(drop=True), data_definition=definition)
    regime = regime_of(len(table) + 1) or FULL
    before = table.iloc[-CURRENT - regime.reference : -CURRENT]
    reference = Dataset.from_pandas(before.reset_index(drop=True), data_definition=definition)
    metrics = [ValueDrift(column=name, method="wasserstein", threshold=thresholds[name]) for name in names]
    snapshot = Report(metrics).run(current, reference)
    return json.loads(snapshot.json()), snapshot.get_html_str(as_iframe=False)
