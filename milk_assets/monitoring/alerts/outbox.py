"""The outbox: which message is to be sent next, and what becomes of it.

Belongs here: the steps of a message as pure functions over the alert state. Whoever sends stores the state between two steps.

What it guarantees. A message stands in the state before anything is sent, and leaves it only once a channel has taken it: none is lost,
whatever dies when. It is claimed, and the claim stored, before it is sent: two senders never send the same one, and a restart
repeats none that was settled. One case cannot be told apart: a sender that dies, or a connection that times out, after the message
went out and before the answer was stored. Chats know no idempotency key, so the message is sent again, and says that it may be a
repetition; its `#identity` is the same. Lost never, doubled only then, and marked.
"""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any, Literal

from milk_assets.monitoring.alerts.incidents import State

CLAIM = timedelta(minutes=3)  # longer than any single attempt may take: after that its sender is dead
WAITS = (30, 60, 120, 300, 900, 3600)  # seconds before each further attempt, the last one for ever
REPEATED = "(may be a repetition: the first attempt got no answer)"
# sent: taken. failed: certainly not taken, try again. unsure: perhaps taken. silent: the channel is not set up, forget it.
Outcome = Literal["sent", "failed", "unsure", "silent"]


def claim(state: State, channel: str, now: datetime) -> tuple[State, dict[str, Any] | None]:
    """The state with the channel's next due message claimed, and that message as {"id", "text"}; None where none is due.

    Messages of a channel go out in order: one that must wait holds those behind it, so that nothing resolves before it opened.
    """
    for place, message in enumerate(state["outbox"]):
        due = message["channels"].get(channel)
        if due is None:
            continue
        if datetime.fromisoformat(due["not_before"]) > now:
            return state, None
        after = copy.deepcopy(state)
        text = message["text"] if due["step"] == "queued" else f"{message['text']}\n{REPEATED}"
        after["outbox"][place]["channels"][channel] = {
            "step": "sending", "attempts": due["attempts"] + 1, "not_before": _stamp(now + CLAIM),
        }  # fmt: skip
        return after, {"id": message["id"], "text": text}
    return state, None


def settle(
    state: State, channel: str, identity: str, outcome: Outcome, now: datetime, *, wait: float | None = None, reason: str = ""
) -> State:
    """The state after an attempt. wait: seconds that the channel asked for. reason: why it failed, without any secret.

    An unknown identity changes nothing: somebody else settled it.
    """
    after = copy.deepcopy(state)
    for message in after["outbox"]:
        due = message["channels"].get(channel)
        if message["id"] != identity or due is None:
            continue
        if outcome in {"sent", "silent"}:
            del message["channels"][channel]
        else:
            seconds = WAITS[min(due["attempts"], len(WAITS)) - 1] if wait is None else wait
            due |= {
                "step": "queued" if outcome == "failed" else "sending",
                "not_before": _stamp(now + timedelta(seconds=seconds)),
                "reason": reason,
            }
    after["outbox"] = [message for message in after["outbox"] if message["channels"]]
    return after


def waiting(state: State) -> int:
    """Messages that some channel has not taken yet."""
    return len(state["outbox"])


def _stamp(when: datetime) -> str:
    return when.isoformat()
