"""`milk model`: which model is served, and why; promote, roll back, freeze.

Belongs here: options and what is printed. Carrying out is `milk_assets.promotion`, stores are `milk_assets.stores`.
"""

import getpass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from milk_assets.commands.common.options import Reason

if TYPE_CHECKING:
    from milk_assets.promotion.change_champion import PromotionContext
    from milk_assets.promotion.ledger.entries import Mode
    from milk_assets.promotion.ledger.ledger import Ledger

ENTRIES_SHOWN = 30  # newest entries of the history, unless all are wanted

app = typer.Typer(help="Which model is served, and why.", no_args_is_help=True)


class ModelStores:
    """The environment's stores and registry, opened when a command needs them."""

    def __init__(self) -> None:
        from milk_assets.defs.build import build_resources
        from milk_assets.settings import Environment
        from milk_assets.stores import champion_manifest

        resources = build_resources(Environment.from_env())
        self.lake, self.artefacts, self.registry = (resources[name] for name in ("lake", "artefacts", "tracking"))
        self.ledger: Ledger = champion_manifest.ledger(self.artefacts)

    def promotion_context(self) -> "PromotionContext":
        """Where changes are carried out, in the name of the current user."""
        from milk_assets.stores import champion_manifest

        return champion_manifest.promotion_context(self.lake, self.artefacts, self.registry, actor=getpass.getuser())

    @property
    def newest_publication(self) -> str | None:
        """The newest publication with features."""
        from milk_assets.stores.layers import features

        newest: str | None = features.LAYER.newest(self.lake)
        return newest


@app.command("list")
def list_command() -> None:
    """List the registered versions, newest first, with their aliases."""
    from rich.console import Console
    from rich.table import Table

    registry = ModelStores().registry
    versions: list[Any] = list(registry.list_versions())
    if not versions:
        print("No version is registered yet: run `milk demo` or the job `train`.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("version", "kind", "trained through", "aliases", "bundle"):
        table.add_column(heading)
    for version, aliases in versions:
        tags = version.tags
        table.add_row(
            str(version.number), tags.get("kind", ""), tags.get("trained_through", ""), ", ".join(aliases), version.bundle[:12]
        )
    Console(highlight=False, soft_wrap=True).print(table)


@app.command("history")
def history_command(
    show_all: Annotated[bool, typer.Option("--all", help=f"Show every entry, not the newest {ENTRIES_SHOWN}.")] = False,
) -> None:
    """Show the ledger as a table, newest last."""
    from milk_assets.promotion.ledger import history

    entries = ModelStores().ledger.entries()
    shown = entries if show_all else entries[-ENTRIES_SHOWN:]
    print(history.text_table(history.history_table(shown)) or "The ledger is empty: run `milk demo` or the job `train`.")


@app.command("explain")
def explain_command(entry: Annotated[int, typer.Argument(help="Number of the entry, as `milk model history` shows it.")]) -> None:
    """Show the rules of a decision: figure, threshold, verdict."""
    from milk_assets.promotion.ledger import history
    from milk_assets.promotion.ledger.entries import DecisionBody, FloorBody

    entries = ModelStores().ledger.entries()
    if not 1 <= entry <= len(entries):
        raise ValueError(f"there is no entry {entry}: the ledger has {len(entries)}")
    chosen = entries[entry - 1]
    print(history.text_table(history.history_table([chosen])))
    if isinstance(chosen.body, DecisionBody | FloorBody):
        print()
        print(history.text_table(history.rule_rows(chosen.body.decision.rules)))


@app.command("replay")
def replay_command() -> None:
    """Recompute every verdict from what was recorded with it; exit 1 where one differs."""
    from milk_assets.promotion.ledger.entries import DecisionBody, FloorBody
    from milk_assets.promotion.replay import replay

    ledger = ModelStores().ledger
    entries = ledger.entries()
    differences = replay(entries, ledger.read_evidence)
    for difference in differences:
        print(f"entry {difference.number}: recorded {difference.recorded}; recomputed {difference.recomputed}")
    verdicts = sum(isinstance(entry.body, DecisionBody | FloorBody) for entry in entries)
    print(f"{verdicts} verdicts recomputed, {len(differences)} differ")
    if differences:
        raise typer.Exit(1)


@app.command("promote")
def promote_command(version: Annotated[int, typer.Option(help="Registered version to serve.")], reason: Reason) -> None:
    """Serve a registered version, whatever the gate says about it."""
    from milk_assets.promotion import manual
    from milk_assets.stores import champion_manifest

    stores = ModelStores()
    to = champion_manifest.registered_version(stores.registry, version)
    entry = manual.promote(stores.promotion_context(), to, reason, stores.newest_publication)
    print(f"version {to.version} is served (entry {entry.number})")


@app.command("rollback")
def rollback_command(reason: Reason) -> None:
    """Serve the previous version again."""
    from milk_assets.promotion import manual

    stores = ModelStores()
    entry = manual.roll_back(stores.promotion_context(), reason, stores.newest_publication)
    print(f"version {entry.body.to.version} is served again (entry {entry.number})")


@app.command("freeze")
def freeze_command(reason: Reason) -> None:
    """Stop promotions until `unfreeze`; the floor still acts."""
    set_mode("frozen", reason)


@app.command("unfreeze")
def unfreeze_command(
    reason: Reason,
    manual: Annotated[bool, typer.Option("--manual", help="A person decides on what the gate lets through.")] = False,
) -> None:
    """Let the gate decide again."""
    set_mode("manual" if manual else "auto", reason)


def set_mode(mode: "Mode", reason: str) -> None:
    """Record who decides on promotions."""
    from milk_assets.promotion import manual

    entry = manual.set_mode(ModelStores().promotion_context(), mode, reason)
    print(f"mode: {entry.body.mode} (entry {entry.number})")
