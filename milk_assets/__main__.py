"""The command line of the platform: `python -m milk_assets bootstrap | run | report | demo | dev | metrics`."""

import argparse
import sys
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from milk_assets.settings import TIMEZONE, Environment, SettingError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code. What a person can mend is one line on standard error, without a trace."""
    options = _parser().parse_args(arguments)
    try:
        environment = Environment.from_env()
        return int(options.command(environment, options))
    except KeyboardInterrupt:
        return 130
    except (SettingError, RuntimeError, OSError) as error:
        print(f"milk_assets: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m milk_assets", description="Forecasts of Mexico's official milk prices.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    bootstrap = commands.add_parser("bootstrap", help="prepare the Dagster instance and register the newest publication")
    bootstrap.add_argument("--publication", type=date.fromisoformat, help="register this date instead of the newest, YYYY-MM-DD")
    bootstrap.set_defaults(command=_bootstrap)

    run = commands.add_parser("run", help="run the whole graph once, on the newest publication of the configured source")
    run.add_argument("--publication", type=date.fromisoformat, help="this date instead of the newest, YYYY-MM-DD")
    run.add_argument("--trials", type=int, help="recipes to try in tuning, where the usual number is not wanted")
    run.set_defaults(command=_run)

    report = commands.add_parser("report", help="write a day's price report, where no schedule does")
    report.add_argument("--day", type=date.fromisoformat, help="this day instead of today in Mexico City, YYYY-MM-DD")
    report.set_defaults(command=_report)

    for name, command, text in (
        ("demo", _demo, "publish sample workbooks on this machine, run the whole graph on them, and show the forecasts"),
        ("dev", _dev, "Dagster UI, MLflow UI and the sample publisher together, until interrupted"),
    ):
        parser_of = commands.add_parser(name, help=text)
        parser_of.add_argument("--workbook", type=Path, help="a SNIIM workbook to publish instead of sample data")
        parser_of.add_argument("--until", type=date.fromisoformat, help="newest publication to show, YYYY-MM-DD")
        parser_of.set_defaults(command=command)

    metrics = commands.add_parser(
        "metrics", help="Prometheus metrics of the platform on this machine, and the watch over its daemon"
    )
    metrics.add_argument("--host", default="127.0.0.1", help="address to listen on")
    metrics.add_argument("--port", type=int, default=9108, help="port to listen on; 0 takes a free one")
    metrics.set_defaults(command=_metrics)
    return parser


def today() -> date:
    """Today in Mexico City."""
    return datetime.now(ZoneInfo(TIMEZONE)).date()


def _bootstrap(environment: Environment, options: argparse.Namespace) -> int:
    from milk_assets.commands.run_once import bootstrap, instance

    with instance(environment) as on:
        print(bootstrap(environment, on, today(), options.publication).isoformat())
    return 0


def _run(environment: Environment, options: argparse.Namespace) -> int:
    from milk_assets.commands.demo import show_run
    from milk_assets.commands.run_once import bootstrap, instance

    with instance(environment) as on:
        publication = bootstrap(environment, on, today(), options.publication)
        day = max(publication, today()) if options.publication is None else publication
        show_run(environment, on, publication, day, {"trials": options.trials} if options.trials else None)
    return 0


def _report(environment: Environment, options: argparse.Namespace) -> int:
    from milk_assets.commands.run_once import instance, run_report

    with instance(environment) as on:
        run_report(environment, on, options.day or today())
    return 0


def _demo(environment: Environment, options: argparse.Namespace) -> int:
    from milk_assets.commands.demo import demo

    demo(environment, options.workbook, options.until, today())
    return 0


def _dev(environment: Environment, options: argparse.Namespace) -> int:
    from milk_assets.commands.dev import dev

    return dev(environment, options.workbook, options.until, today())


def _metrics(environment: Environment, options: argparse.Namespace) -> int:
    import threading

    from milk_assets.commands.metrics_server import serve
    from milk_assets.defs.build import build_resources

    made = build_resources(environment)
    serve(made["lake"], made["artefacts"], (made["telegram"], made["webhook"]), options.host, options.port, threading.Event())
    return 0


if __name__ == "__main__":
    sys.exit(main())
