"""Manual changes: what a person can do about the champion, each with a reason that is recorded in the ledger.

Belongs here: promoting a version, rolling back, and setting who decides. The commands and the Dagster jobs call these functions. Not
here: the steps of a change (`promotion.change_champion`).
"""

from milk_assets.promotion.change_champion import ChampionChangeError, PromotionContext, carry_out
from milk_assets.promotion.ledger.entries import AppliedBody, Entry, Mode, ModeBody
from milk_assets.promotion.ledger.state import Change, rollback_change
from milk_assets.promotion.manifest import ModelVersion


def promote(context: PromotionContext, to: ModelVersion, reason: str, publication: str | None) -> Entry[AppliedBody]:
    """Serve a version, whatever the gate decided about it.

    Args:
        context: Stores and registry.
        to: Version to serve.
        reason: Why, in the person's words.
        publication: Newest publication, YYYY-MM-DD.

    Raises:
        ChampionChangeError: Promotions are frozen, the version is served already, the reason is empty, or as `carry_out` does.
    """
    state = context.state()
    if state.mode == "frozen":
        raise ChampionChangeError("promotions are frozen: run `unfreeze` first, or use `rollback`, which is always possible")
    if state.champion == to:
        raise ChampionChangeError(f"version {to.version} is served already")
    return carry_out(Change("promote", to, state.champion, _checked_reason(reason), publication), context)


def roll_back(context: PromotionContext, reason: str, publication: str | None) -> Entry[AppliedBody]:
    """Serve the previous version again. For two weeks after it, promotions need a person.

    Args:
        context: Stores and registry.
        reason: Why, in the person's words.
        publication: Newest publication, YYYY-MM-DD.

    Raises:
        ChampionChangeError: There is no previous version, the reason is empty, or as `carry_out` does.
    """
    change = rollback_change(context.state(), _checked_reason(reason), publication)
    if change is None:
        raise ChampionChangeError("no version was served before this champion: there is nothing to go back to")
    return carry_out(change, context)


def set_mode(context: PromotionContext, mode: Mode, reason: str) -> Entry[ModeBody]:
    """Set who decides on promotions: the gate (auto), a person (manual) or no one (frozen). The floor acts in every mode.

    Raises:
        ChampionChangeError: The mode is set already, or the reason is empty.
    """
    if context.state().mode == mode:
        raise ChampionChangeError(f"the mode is {mode} already")
    return context.ledger.add(ModeBody(mode=mode, reason=_checked_reason(reason)), at=context.now(), actor=context.actor)


def _checked_reason(reason: str) -> str:
    if not reason.strip():
        raise ChampionChangeError("the reason is empty: say why with --reason, so that the ledger can be understood in a year")
    return reason.strip()
