"""The demonstration: publish workbooks on this machine, run the whole graph on them, show what came out.

Belongs here: what a newcomer sees in the terminal. Running is `run`'s business, every figure the graph's.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from milk_assets.commands.run_once import Stage, bootstrap, instance, run_graph, stage_table
from milk_assets.defs.build import build_resources
from milk_assets.settings import Environment, SettingError
from milk_assets.sniim.calendar import newest_expected
from milk_assets.stores.layers import evaluations, forecasts, prices, reports

if TYPE_CHECKING:
    import pandas as pd

    from milk_assets.sniim.samples.publisher import Publisher

# One series of each milk and channel, far apart on the map; a series that the data do not hold is left out.
SHOWN = (
    "cdmx/ciudad-de-mexico/pasteurised/supermarket",
    "jalisco/guadalajara/pasteurised/store",
    "nuevo-leon/monterrey/uht/supermarket",
    "yucatan/merida/uht/store",
)


def demo(environment: Environment, workbook: Path | None, until: date | None, today: date) -> None:
    """Publish, run and show. workbook: published instead of sample data, up to `until` or its newest block.

    A workbook's history ends on its own date, so its report is of that day; sample data go on to today.
    """
    with published(workbook, until, today) as source:
        local = beside(environment, workbook, source)
        with instance(local) as on:
            publication = bootstrap(local, on, today, source.until)
            show_run(local, on, publication, publication if workbook or until else today)
    print("Next: `make dev` opens the Dagster UI, the MLflow UI and the publisher together.")


def beside(environment: Environment, workbook: Path | None, source: "Publisher") -> Environment:
    """The local environment that reads from a publisher; a given workbook has a home of its own, so that it never meets sample data."""
    home = environment.home / workbook.stem if workbook else environment.home
    return Environment.from_env({**os.environ, "MILK_ENV": "local", "MILK_HOME": str(home), "MILK_SOURCE_URL": source.url})


@contextmanager
def published(workbook: Path | None, until: date | None, today: date, port: int = 0) -> Iterator["Publisher"]:
    """A publisher on this machine whose `until` is the newest workbook it shows. Raises SettingError where it would show none."""
    from milk_assets.sniim.samples.publisher import GeneratedWorkbooks, Publisher, TruncatedWorkbooks
    from milk_assets.sniim.workbook import WorkbookError

    try:
        shelf = TruncatedWorkbooks(workbook) if workbook else GeneratedWorkbooks()
    except (WorkbookError, OSError) as error:
        raise SettingError(str(error)) from error
    dates = (
        [day for day in shelf.dates if until is None or day <= until]
        if isinstance(shelf, TruncatedWorkbooks)
        else [newest_expected(until or today)]
    )
    if not dates:
        raise SettingError(f"{workbook} holds no publication up to {until}; its first is of {shelf.next_after(date.min)}")
    with Publisher(shelf, dates[-1], port) as source:
        yield source


def show_run(
    environment: Environment, on: dg.DagsterInstance, publication: date, day: date, training: Mapping[str, Any] | None = None
) -> None:
    """Run the graph for a publication and the report of a day, saying what happens, then show what came out. training: as `run_graph`."""
    print(f"Publication of {publication} from {environment.source_shown}")
    stages: list[Stage] = []
    print("  ingest: workbook → prices → features, track record, floor", flush=True)
    said = {
        "ingest": "train: baseline, candidate (Hyperopt trials below), evaluation",
        "train": "promote: champion",
        "promote": "forecast: forecasts, the challenger's beside them, drift report",
        "forecast": "report: HTML, XLSX, CSV, JSON",
    }
    for stage in run_graph(environment, on, publication, day, training):
        stages.append(stage)
        print(f"  {stage.name} done in {stage.seconds:.1f} s", flush=True)
        if stage.name in said:
            print(f"  {said[stage.name]}", flush=True)
    _show(environment, publication.isoformat(), day.isoformat(), stages)


def _show(environment: Environment, publication: str, day: str, stages: Sequence[Stage]) -> None:
    lake = build_resources(environment)["lake"]
    evaluation = evaluations.read_evaluation(lake, publication)
    source = forecasts.read_source(lake, publication)
    table = forecasts.read_forecasts(lake, publication)
    if prices.read_vintage(lake, publication).sample:
        print("\nSAMPLE DATA: these prices were generated on this machine; they are not official.")
    print(f"\nForecasts of {publication}, MXN per litre, 80 % interval in brackets")
    print(forecast_lines(table))
    print(
        "\nModel against no change: error divided by the error of no change, by publications and months ahead (below 1 is better)"
    )
    print(score_lines(evaluations.read_scores(lake, publication)))
    decision, challenger = evaluation.decision, evaluation.challenger
    named = "no change" if source.is_baseline else "the candidate" if source.bundle == challenger.bundle else "kept"
    print(f"  gate: {decision['verdict']} ({decision['reason']}); champion: version {source.version}, {named}")
    if decision["verdict"] == "trial":
        print(
            "  The candidate is on trial: it must pass in two weeks running, with six publications beside the champion. Until then its\n"
            "  forecasts are issued and scored, and not served. To serve it at once:\n"
            f"  .venv/bin/python -m milk_assets.commands.model promote --version {challenger.version} --reason '…'"
        )
    print("\nStages")
    print(stage_table(stages))
    print(f"\nReport: {lake.uri(reports.LAYER.path(day))}\n")


def forecast_lines(table: "pd.DataFrame") -> str:
    """A few series: last price, next publication, this month and the next six, as lines of text."""
    lines = []
    for series in [key for key in SHOWN if (table.series == key).any()]:
        own = table[table.series == series]
        soon = own[(own.task == "publication") & (own.lead == 1)].iloc[0]
        lines.append(f"  {series}: last {soon.last_price:.2f}")
        lines.append(
            f"    {soon.target:%Y-%m-%d} {soon.forecast:6.2f}  [{soon.lo80:.2f}–{soon.hi80:.2f}]"
            f"  up {soon.p_up:.0%}, same {soon.p_same:.0%}, down {soon.p_down:.0%}"
        )
        months = own[own.task == "month"].sort_values("lead").itertuples()
        lines += [f"    {row.target:%Y-%m}    {row.forecast:6.2f}  [{row.lo80:.2f}–{row.hi80:.2f}]" for row in months]
    return "\n".join(lines)


def score_lines(scores: "pd.DataFrame") -> str:
    """The evaluation by model and horizon, as lines of text: publications ahead, and months (0 is the running one)."""
    from milk_assets.promotion.policy import JUDGED

    ratios = scores.set_index(["model", "task", "lead"]).ratio.astype(float).to_dict()
    head = (
        "  " + " " * 12 + "".join(f"{'month ' if task == 'month' else ''}{lead}".rjust(9) for task, lead in JUDGED) + "     mean"
    )
    rows = []
    for model in scores.model.unique():
        own = [ratios.get((model, task, lead), float("nan")) for task, lead in JUDGED]
        rows.append(f"  {model:<12}" + "".join(f"{ratio:9.3f}" for ratio in (*own, sum(own) / len(own))))
    return "\n".join([head, *rows])
