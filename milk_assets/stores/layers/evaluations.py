"""Evaluations: backtest, scores and the gate's decision on each publication's candidate.

Belongs here: paths and the document. Backtesting is `milk_assets.forecasting.evaluation`, deciding is `milk_assets.promotion.gate`.
"""

from typing import TYPE_CHECKING, Any, cast

from milk_assets.promotion.manifest import ModelVersion
from milk_assets.stores.lake import Lake
from milk_assets.stores.layers.layer import Layer, StoredDocument

if TYPE_CHECKING:
    import pandas as pd

    from milk_assets.frames import Backtest

LAYER = Layer("evaluation", marker="decision.json")
BACKTEST_TABLE = "backtest.parquet"
SCORES_TABLE = "scores.parquet"


class Evaluation(StoredDocument):
    """What was decided on a publication, and on which models.

    Attributes:
        at: Time of the decision, ISO 8601, UTC.
        publication: YYYY-MM-DD.
        workbook: sha256 of the workbook the models were compared on.
        decision: Verdict, reason and rules, as the ledger stores them.
        ledger_entry: Number of the decision in the ledger.
        challenger: The version that was judged.
        baseline: The version it was compared with besides the champion.
        champion: The version served at that time; None before the first.
        scores: Mean absolute errors by model and horizon.
    """

    at: str
    publication: str
    workbook: str
    decision: dict[str, Any]
    ledger_entry: int
    challenger: ModelVersion
    baseline: ModelVersion
    champion: ModelVersion | None
    scores: list[dict[str, Any]]


def backtest_path(publication: str) -> str:
    """Path of the backtested forecasts with the prices that were published: one row per model, origin, target and series."""
    return LAYER.path(publication, BACKTEST_TABLE)


def write_evaluation(lake: Lake, publication: str, evaluation: Evaluation, backtest: "Backtest", scores: "pd.DataFrame") -> None:
    """Write both tables, then the decision: a publication with a decision is evaluated completely."""
    lake.write_table(backtest_path(publication), backtest)
    lake.write_table(LAYER.path(publication, SCORES_TABLE), scores)
    evaluation.write(lake, LAYER.path(publication))


def read_evaluation(lake: Lake, publication: str) -> Evaluation:
    """The evaluation of a publication. Raises LakeError where there is none."""
    return Evaluation.read(lake, LAYER.path(publication))


def read_scores(lake: Lake, publication: str) -> "pd.DataFrame":
    """Mean absolute errors by model and horizon of a publication's evaluation."""
    return lake.read_table(LAYER.path(publication, SCORES_TABLE))


def read_backtest(lake: Lake, publication: str) -> "Backtest":
    """The backtested forecasts of a publication's evaluation."""
    return cast("Backtest", lake.read_table(backtest_path(publication)))
