"""`milk demo`: publish workbooks on this machine, run the whole graph on them, and show the result.

Belongs here: what a newcomer sees in the terminal. Running the jobs is `commands.common.graph_run`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from milk_assets.commands.common.options import PublishedWorkbook, Until, as_date, today

if TYPE_CHECKING:
    import dagster as dg
    import pandas as pd
    from rich.table import Table

    from milk_assets.commands.common.graph_run import Stage
    from milk_assets.frames import Forecasts
    from milk_assets.settings import Environment
    from milk_assets.stores.layers.evaluations import Evaluation
    from milk_assets.stores.layers.forecasts import ForecastSource

# One series of each milk and channel, far apart on the map; a series that the data do not have is left out.
SERIES_SHOWN = (
    "ciudad-de-mexico/ciudad-de-mexico/pasteurised/supermarket",
    "jalisco/guadalajara/pasteurised/store",
    "nuevo-leon/monterrey/uht/supermarket",
    "yucatan/merida/uht/store",
)
STAGE_TEXTS = {
    "ingest": "ingest: workbook → prices → features, track record, floor",
    "train": "train: baseline, candidate (Hyperopt trials below), evaluation",
    "promote": "promote: champion",
    "forecast": "forecast: forecasts, the challenger's shadow forecasts, drift report",
    "report": "report: HTML, XLSX, CSV, JSON",
}


@dataclass(frozen=True)
class RunSummary:
    """What a run of the graph is summarised from.

    Attributes:
        forecasts: The served forecasts.
        source: What they were computed from.
        evaluation: The gate's decision.
        scores: Error divided by the error of no change, by model and horizon.
        stages: The jobs with their times.
        report: Address of the report.
    """

    forecasts: "Forecasts"
    source: "ForecastSource"
    evaluation: "Evaluation"
    scores: "pd.DataFrame"
    stages: "Sequence[Stage]"
    report: str


def demo_command(workbook: PublishedWorkbook = None, until: Until = None) -> None:
    """Publish workbooks on this machine, run the whole graph on them, and show the forecasts.

    A workbook's history ends on its own date, so its report is of that day; sample data continue until today.
    """
    from milk_assets.commands.common.graph_run import bootstrap, open_instance
    from milk_assets.commands.common.local_publisher import environment_of, local_publisher
    from milk_assets.settings import Environment

    with local_publisher(workbook, as_date(until), today()) as publisher:
        environment = environment_of(Environment.from_env(), workbook, publisher)
        with open_instance(environment) as instance:
            publication = bootstrap(environment, instance, today(), publisher.until)
            show_run(environment, instance, publication, publication if workbook or until else today())
    print("Next: `make dev` starts the Dagster UI, the MLflow UI and the publisher together.")


def show_run(
    environment: "Environment",
    instance: "dg.DagsterInstance",
    publication: date,
    day: date,
    training: Mapping[str, Any] | None = None,
) -> None:
    """Run the graph for a publication and the report of a day, print each stage, then the result.

    Args:
        environment: Where everything is.
        instance: Dagster instance.
        publication: Publication date.
        day: Day of the report.
        training: Configuration of the asset `candidate`; its defaults without one.
    """
    from rich.console import Console

    from milk_assets.commands.common.graph_run import STAGES, run_graph

    console = Console(highlight=False, soft_wrap=True, markup=False)  # a path may contain brackets
    console.print(f"Publication of {publication} from {environment.source_shown}")
    stages: list[Stage] = []
    console.print(f"  {STAGE_TEXTS[STAGES[0]]}")
    for stage in run_graph(environment, instance, publication, day, training):
        stages.append(stage)
        console.print(f"  {stage.name} done in {stage.seconds:.1f} s")
        if len(stages) < len(STAGES):
            console.print(f"  {STAGE_TEXTS[STAGES[len(stages)]]}")
    print_summary(console, read_summary(environment, publication.isoformat(), day.isoformat(), stages))


def read_summary(environment: "Environment", publication: str, day: str, stages: "Sequence[Stage]") -> RunSummary:
    """Read the result of a run from the lake."""
    from milk_assets.defs.build import build_resources
    from milk_assets.stores.layers import evaluations, forecasts, reports

    lake = build_resources(environment)["lake"]
    return RunSummary(
        forecasts=forecasts.read_forecasts(lake, publication),
        source=forecasts.read_source(lake, publication),
        evaluation=evaluations.read_evaluation(lake, publication),
        scores=evaluations.read_scores(lake, publication),
        stages=stages,
        report=lake.uri(reports.LAYER.path(day)),
    )


def print_summary(console: Any, summary: RunSummary) -> None:
    """Print forecasts, skill, decision, times and the report's address."""
    evaluation, source = summary.evaluation, summary.source
    if source.sample:
        console.print("\nSAMPLE DATA: these prices were generated on this machine; they are not official.")
    console.print(forecast_table(summary.forecasts))
    console.print(score_table(summary.scores))
    decision, challenger = evaluation.decision, evaluation.challenger
    served = "no change" if source.is_baseline else "the candidate" if source.bundle == challenger.bundle else "unchanged"
    console.print(f"Gate: {decision['verdict']} ({decision['reason']}). Champion: version {source.version}, {served}.")
    if decision["verdict"] == "trial":
        console.print(
            "The candidate is on trial: it must pass in two consecutive weeks, with six publications of shadow forecasts. Until then\n"
            "its forecasts are issued and scored, but not served. To serve it now:\n"
            f"  .venv/bin/milk model promote --version {challenger.version} --reason '…'"
        )
    console.print(stage_table(summary.stages))
    console.print(f"Report: {summary.report}\n")


def forecast_table(forecasts: "Forecasts") -> "Table":
    """A few series: last price, next publication, this month and the next six, with 80 % intervals and chances of change."""
    from rich.table import Table

    origin = forecasts.origin.max()
    table = Table(title=f"\nForecasts of {origin:%Y-%m-%d}, MXN per litre", title_justify="left", box=None, pad_edge=False)
    table.add_column("series", overflow="fold")
    table.add_column("target", no_wrap=True)
    for heading in ("forecast", "80 % interval", "rises", "same", "falls"):
        table.add_column(heading, justify="right", no_wrap=True)
    for key in SERIES_SHOWN:
        rows = forecasts[forecasts.series == key]
        if rows.empty:
            continue
        state, city, milk, channel = key.split("/")
        table.add_row(f"{state}/{city}/\n{milk}/{channel}", "last price", f"{rows.last_price.iloc[0]:.2f}", "", "", "", "")
        next_publication = rows[(rows.task == "publication") & (rows.lead == 1)]
        months = rows[rows.task == "month"].sort_values("lead")
        for row in [*next_publication.itertuples(), *months.itertuples()]:
            target = f"{row.target:%Y-%m-%d}" if row.task == "publication" else f"{row.target:%Y-%m}"
            chances = (f"{row.p_up:.0%}", f"{row.p_same:.0%}", f"{row.p_down:.0%}")
            table.add_row("", target, f"{row.forecast:.2f}", f"{row.lo80:.2f}–{row.hi80:.2f}", *chances)
    return table


def score_table(scores: "pd.DataFrame") -> "Table":
    """Error divided by the error of no change, by model and horizon; month 0 is the current one."""
    from rich.table import Table

    from milk_assets.promotion.policy import JUDGED

    ratios = scores.set_index(["model", "task", "lead"]).ratio.astype(float).to_dict()
    table = Table(
        title="\nError divided by the error of no change (below 1 is better), by publications and months ahead",
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("model")
    for task, lead in JUDGED:
        table.add_column(f"month {lead}" if task == "month" else str(lead), justify="right")
    table.add_column("mean", justify="right")
    for model in scores.model.unique():
        values = [ratios.get((model, task, lead), float("nan")) for task, lead in JUDGED]
        table.add_row(str(model), *(f"{value:.3f}" for value in (*values, sum(values) / len(values))))
    return table


def stage_table(stages: "Sequence[Stage]") -> "Table":
    """The jobs with wall time and peak memory."""
    from rich.table import Table

    table = Table(title="\nStages", title_justify="left", box=None, pad_edge=False)
    table.add_column("job")
    table.add_column("seconds", justify="right")
    table.add_column("peak MB", justify="right")
    for stage in stages:
        table.add_row(stage.name, f"{stage.seconds:.1f}", f"{stage.peak_mb:.0f}")
    table.add_row("total", f"{sum(stage.seconds for stage in stages):.1f}", "")
    return table
