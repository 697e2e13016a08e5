"""`milk run`, `milk bootstrap` and `milk report`: the jobs of the graph, started by hand.

Belongs here: options and what is printed. Running the jobs is `commands.common.graph_run`.
"""

from datetime import datetime
from typing import Annotated

import typer

from milk_assets.commands.common.options import DAY_FORMATS, Publication, as_date, today


def run_command(
    publication: Publication = None,
    trials: Annotated[int | None, typer.Option(min=0, help="Hyperparameter sets to try.", show_default=False)] = None,
) -> None:
    """Run the whole graph once, on the newest publication of the configured source."""
    from milk_assets.commands.common.graph_run import bootstrap, open_instance
    from milk_assets.commands.demo import show_run
    from milk_assets.settings import Environment

    environment = Environment.from_env()
    with open_instance(environment) as instance:
        registered = bootstrap(environment, instance, today(), as_date(publication))
        day = max(registered, today()) if publication is None else registered
        show_run(environment, instance, registered, day, {"trials": trials} if trials is not None else None)


def bootstrap_command(publication: Publication = None) -> None:
    """Prepare the Dagster instance, register a publication and print its date."""
    from milk_assets.commands.common.graph_run import bootstrap, open_instance
    from milk_assets.settings import Environment

    environment = Environment.from_env()
    with open_instance(environment) as instance:
        print(bootstrap(environment, instance, today(), as_date(publication)).isoformat())


def report_command(
    day: Annotated[
        datetime | None, typer.Option(formats=DAY_FORMATS, help="This day instead of today in Mexico City.", show_default=False)
    ] = None,
) -> None:
    """Write the price report of a day, where no schedule does."""
    from milk_assets.commands.common.graph_run import open_instance, run_report
    from milk_assets.settings import Environment

    environment = Environment.from_env()
    with open_instance(environment) as instance:
        run_report(environment, instance, as_date(day) or today())
