"""The commands of promotion: history, explain, replay, promote, rollback, freeze and unfreeze."""

import argparse
import getpass
import sys
from typing import TYPE_CHECKING

from milk_assets.defs.build import build_resources
from milk_assets.promotion import manual
from milk_assets.promotion.ledger import history
from milk_assets.promotion.ledger.entries import DecisionBody, FloorBody
from milk_assets.promotion.replay import replay
from milk_assets.settings import Environment, SettingError
from milk_assets.stores import champion_manifest
from milk_assets.stores.layers import features

if TYPE_CHECKING:
    from milk_assets.promotion.change_champion import PromotionContext

SHOWN = 30  # newest entries of the history, unless more are asked for


class Platform:
    """The environment's stores and registry, opened when a command needs them."""

    def __init__(self, environment: Environment) -> None:
        resources = build_resources(environment)
        self.lake, self.artefacts, self.tracking = (resources[name] for name in ("lake", "artefacts", "tracking"))
        self.ledger = champion_manifest.ledger(self.artefacts)

    def place(self) -> "PromotionContext":
        """Where changes are carried out, in the name of who is logged in."""
        return champion_manifest.promotion_context(self.lake, self.artefacts, self.tracking, actor=getpass.getuser())

    @property
    def newest(self) -> str | None:
        """The newest publication known."""
        found: str | None = features.LAYER.newest(self.lake)
        return found


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code. What a person can mend is one line on standard error, without a trace."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(Platform(Environment.from_env()), options))
    except KeyboardInterrupt:
        return 130
    except (SettingError, RuntimeError, OSError, ValueError) as error:
        print(f"milk_assets.promotion: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m milk_assets.commands.model", description="Which model is served, and why.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    shown = commands.add_parser("history", help="the ledger as a table, newest last")
    shown.add_argument("--all", action="store_true", help=f"every entry, not the newest {SHOWN}")
    shown.set_defaults(command=_history)

    explained = commands.add_parser("explain", help="a decision's rules: figure, threshold, verdict")
    explained.add_argument("entry", type=int, help="number of the entry, as `history` shows it")
    explained.set_defaults(command=_explain)

    commands.add_parser("replay", help="recompute every verdict; exit 1 where one differs").set_defaults(command=_replay)

    promote = commands.add_parser("promote", help="serve a registered version")
    promote.add_argument("--version", type=int, required=True)
    promote.add_argument("--reason", required=True)
    promote.set_defaults(command=_promote)

    rollback = commands.add_parser("rollback", help="serve again what was served before")
    rollback.add_argument("--reason", required=True)
    rollback.set_defaults(command=_rollback)

    freeze = commands.add_parser("freeze", help="no promotion until `unfreeze`; the floor still acts")
    freeze.add_argument("--reason", required=True)
    freeze.set_defaults(command=lambda platform, options: _mode(platform, "frozen", options.reason))

    unfreeze = commands.add_parser("unfreeze", help="the gate decides again")
    unfreeze.add_argument("--manual", action="store_true", help="a person decides what the gate lets through")
    unfreeze.add_argument("--reason", required=True)
    unfreeze.set_defaults(
        command=lambda platform, options: _mode(platform, "manual" if options.manual else "auto", options.reason)
    )
    return parser


def _history(platform: Platform, options: argparse.Namespace) -> int:
    entries = platform.ledger.entries()
    print(history.text_table(history.history_table(entries if options.all else entries[-SHOWN:])) or "The ledger is empty.")
    return 0


def _explain(platform: Platform, options: argparse.Namespace) -> int:
    entries = platform.ledger.entries()
    if not 1 <= options.entry <= len(entries):
        raise ValueError(f"there is no entry {options.entry}; the ledger has {len(entries)}")
    entry = entries[options.entry - 1]
    print(history.text_table(history.history_table([entry])))
    if isinstance(entry.body, DecisionBody | FloorBody):
        print()
        print(history.text_table(history.rule_rows(entry.body.decision.rules)))
    return 0


def _replay(platform: Platform, _: argparse.Namespace) -> int:
    entries = platform.ledger.entries()
    differing = replay(entries, platform.ledger.read_evidence)
    for one in differing:
        print(f"entry {one.number}: recorded {one.recorded}; recomputed {one.recomputed}")
    judged = sum(entry.kind in {"decision", "floor"} for entry in entries)
    print(f"{judged} verdicts recomputed, {len(differing)} differ")
    return 1 if differing else 0


def _promote(platform: Platform, options: argparse.Namespace) -> int:
    to = champion_manifest.registered_version(platform.tracking, options.version)
    entry = manual.promote(platform.place(), to, options.reason, platform.newest)
    print(f"version {to.version} is served (entry {entry.number})")
    return 0


def _rollback(platform: Platform, options: argparse.Namespace) -> int:
    entry = manual.roll_back(platform.place(), options.reason, platform.newest)
    print(f"version {entry.body.to.version} is served again (entry {entry.number})")
    return 0


def _mode(platform: Platform, mode: str, reason: str) -> int:
    entry = manual.set_mode(platform.place(), mode, reason)  # type: ignore[arg-type]  # one of the three
    print(f"mode: {entry.body.mode} (entry {entry.number})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
