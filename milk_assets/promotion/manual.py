"""By hand: what a person may do about the champion, each with a reason that the ledger keeps.

Belongs here: promote, roll back, and who decides. The terminal and Dagster jobs call these; the steps are `apply`'s.
"""

from milk_assets.promotion.change_champion import ApplyError, Place, carry_out
from milk_assets.promotion.ledger import Entry
from milk_assets.promotion.state import Change, Mode, Served, rollback


def promote(place: Place, to: Served, reason: str, publication: str | None) -> Entry:
    """Serve a version, whatever the gate says of it. publication: the newest known, YYYY-MM-DD.

    Raises ApplyError while promotions are frozen, on a version that is served already, and as `carry_out` does.
    """
    state = place.state()
    if state.mode == "frozen":
        raise ApplyError("promotions are frozen: `unfreeze` first, or `rollback`, which is always possible")
    if state.champion == to:
        raise ApplyError(f"version {to.version} is served already")
    return carry_out(Change("promote", to, state.champion, _said(reason), publication), place)


def roll_back(place: Place, reason: str, publication: str | None) -> Entry:
    """Serve again what was served before; for two weeks from then on a person decides.

    Raises ApplyError where nothing was served before, and as `carry_out` does.
    """
    change = rollback(place.state(), _said(reason), publication)
    if change is None:
        raise ApplyError("nothing was served before this champion: there is nothing to go back to")
    return carry_out(change, place)


def set_mode(place: Place, mode: Mode, reason: str) -> Entry:
    """Who decides from now on: the gate (auto), a person (manual), or nobody (frozen). The floor acts in every mode."""
    if place.state().mode == mode:
        raise ApplyError(f"the mode is {mode} already")
    return place.ledger.add("mode", at=place.now(), actor=place.actor, body={"mode": mode, "reason": _said(reason)})


def _said(reason: str) -> str:
    if not reason.strip():
        raise ApplyError("say why with --reason: whoever reads the ledger in a year will ask")
    return reason.strip()
