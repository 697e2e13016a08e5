"""Outbox: which message to send next, and what an attempt changes.

Belongs here: the steps of a message as pure functions on the alert state. Not here: storing the state between the steps
(`milk_assets.stores.alert_state`) and the HTTP request (`milk_assets.defs.resources.http_post`).

Guarantees:
- No message is lost. It is stored before it is sent, and removed only after the channel has accepted it.
- Two senders never send the same message. A sender claims it, and the claim is stored, before it is sent.
- A restart repeats no message whose outcome was stored.
- One case cannot be detected: a sender dies, or a connection times out, after the message was sent and before the answer was stored.
  Chat services have no idempotency key, so the message is sent again, with a note and with the same `#id`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from milk_assets.monitoring.alerts.state_documents import AlertState, Delivery

CLAIM_EXPIRES_AFTER = timedelta(minutes=3)
"""Longer than any attempt may take: after it, the sender must have died."""
RETRY_WAITS = (30, 60, 120, 300, 900, 3600)
"""Seconds before the second and each further attempt; the last one applies from then on."""
REPETITION_NOTE = "(This may be a repetition: an earlier attempt got no answer.)"

DeliveryOutcome = Literal["sent", "failed", "unsure", "silent"]
"""sent: accepted. failed: certainly not accepted, try again. unsure: possibly accepted. silent: the channel is not configured, drop it."""


@dataclass(frozen=True)
class Attempt:
    """The outcome of one attempt to send a message.

    Attributes:
        outcome: See DeliveryOutcome.
        wait: Seconds that the server asked to wait; None where it did not.
        reason: Why the message was not accepted, without secrets.
    """

    outcome: DeliveryOutcome
    wait: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class ClaimedMessage:
    """A message that this sender may send now."""

    message_id: str
    text: str


def claim_message(state: AlertState, channel: str, now: datetime) -> tuple[AlertState, ClaimedMessage | None]:
    """Claim the next message that is due on a channel.

    Messages of a channel are sent in order. One that has to wait holds back those behind it, so that no incident is resolved before it
    is opened.

    Returns:
        The state with the claim, and the message; None where none is due.
    """
    for index, message in enumerate(state.outbox):
        delivery = message.deliveries.get(channel)
        if delivery is None:
            continue
        if delivery.not_before > now:
            return state, None
        text = message.text if delivery.step == "queued" else f"{message.text}\n{REPETITION_NOTE}"
        claim = Delivery(step="sending", attempts=delivery.attempts + 1, not_before=now + CLAIM_EXPIRES_AFTER)
        claimed = message.model_copy(update={"deliveries": {**message.deliveries, channel: claim}})
        outbox = (*state.outbox[:index], claimed, *state.outbox[index + 1 :])
        return state.model_copy(update={"outbox": outbox}), ClaimedMessage(message.message_id, text)
    return state, None


def settle_delivery(state: AlertState, channel: str, message_id: str, attempt: Attempt, now: datetime) -> AlertState:
    """Apply the outcome of an attempt: remove an accepted message from the channel, or set the time of the next attempt.

    An unknown id changes nothing, because another sender has settled it.
    """
    outbox = []
    for message in state.outbox:
        delivery = message.deliveries.get(channel)
        if message.message_id != message_id or delivery is None:
            outbox.append(message)
            continue
        deliveries = dict(message.deliveries)
        if attempt.outcome in {"sent", "silent"}:
            del deliveries[channel]
        else:
            deliveries[channel] = _after_failure(delivery, attempt, now)
        if deliveries:
            outbox.append(message.model_copy(update={"deliveries": deliveries}))
    return state.model_copy(update={"outbox": tuple(outbox)})


def count_waiting(state: AlertState) -> int:
    """Number of messages that at least one channel has not accepted yet."""
    return len(state.outbox)


def _after_failure(delivery: Delivery, attempt: Attempt, now: datetime) -> Delivery:
    wait = attempt.wait
    if wait is None:
        wait = RETRY_WAITS[min(delivery.attempts, len(RETRY_WAITS)) - 1]
    return delivery.model_copy(
        update={
            "step": "queued" if attempt.outcome == "failed" else "sending",
            "not_before": now + timedelta(seconds=wait),
            "reason": attempt.reason,
        }
    )
