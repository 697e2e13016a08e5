"""Alert state: the file that holds incidents and messages, and sending the messages that are due.

Belongs here: reading and updating `monitoring/alerts.json`, the heartbeat of the alert sensor, and delivery to channels. Not here: what an
observation changes (`milk_assets.monitoring.alerts`) and the channels themselves (`milk_assets.defs.resources`).
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from milk_assets.monitoring.alerts import outbox
from milk_assets.monitoring.alerts.incidents import Observation, update_incidents
from milk_assets.monitoring.alerts.outbox import Attempt, ClaimedMessage
from milk_assets.monitoring.alerts.rules import RULES
from milk_assets.monitoring.alerts.state_documents import AlertState
from milk_assets.stores.lake import Lake

ALERTS_FOLDER = "monitoring"
ALERT_STATE_PATH = f"{ALERTS_FOLDER}/alerts.json"
HEARTBEAT_PATH = f"{ALERTS_FOLDER}/beat.json"
MESSAGES_PER_CHANNEL = 10
"""Messages sent to a channel in one delivery: chat services accept about twenty a minute, and a sensor tick must end."""


class Channel(Protocol):
    """Where messages are sent: Telegram or a webhook."""

    @property
    def name(self) -> str: ...
    @property
    def is_set_up(self) -> bool: ...
    def attempt(self, text: str) -> Attempt: ...


def clock() -> datetime:
    """The current time, UTC."""
    return datetime.now(UTC)


def active_channels(channels: Iterable[Channel]) -> list[str]:
    """The names of the channels that are configured."""
    return [channel.name for channel in channels if channel.is_set_up]


def read_alert_state(lake: Lake) -> AlertState:
    """The stored alert state; an empty one before the first."""
    stored = lake.read_tagged(ALERT_STATE_PATH)
    return AlertState() if stored is None else AlertState.model_validate_json(stored[0])


def update_alert_state(lake: Lake, change: Callable[[AlertState], AlertState]) -> AlertState:
    """Apply a pure change to the stored alert state, safe under concurrent changes.

    Args:
        lake: Where the state is stored.
        change: Takes the stored state and returns the new one. May be called more than once.

    Returns:
        The state as it is stored afterwards.

    Raises:
        ConcurrentChangeError: Other writers were first at every attempt.
    """

    def change_document(document: Any | None) -> Any:
        state = AlertState() if document is None else AlertState.model_validate(document)
        return change(state).model_dump(mode="json", by_alias=True)

    return AlertState.model_validate(lake.update_json(ALERT_STATE_PATH, change_document))


def record_observations(
    lake: Lake,
    observations: Sequence[Observation],
    channels: Iterable[Channel],
    *,
    complete_rules: Sequence[str] = (),
    is_complete: bool = False,
) -> AlertState:
    """Apply observations to the stored alert state, and queue the messages that follow.

    Until the first complete read of all sources, events are only remembered and not announced, because they happened before alerting
    was running.

    Args:
        lake: Where the state is stored.
        observations: What was observed, in order.
        channels: Where messages are sent.
        complete_rules: Rules for which `observations` holds every breach.
        is_complete: Whether all sources were read.

    Returns:
        The state as it is stored afterwards.
    """
    names, now = active_channels(channels), clock()

    def change(state: AlertState) -> AlertState:
        if not state.is_initialized:
            past_events = [observation for observation in observations if RULES[observation.rule].is_event]
            state = update_incidents(state, past_events, now, channels=())
            state = state.model_copy(update={"is_initialized": is_complete})
        return update_incidents(state, observations, now, channels=names, complete_rules=complete_rules)

    return update_alert_state(lake, change)


def deliver_messages(lake: Lake, channels: Iterable[Channel]) -> str:
    """Send the messages that are due. Each is claimed, and the claim stored, before it is sent.

    Returns:
        The outcomes, for the log.
    """
    outcomes = []
    for channel in channels:
        for _ in range(MESSAGES_PER_CHANNEL):
            message = _claim(lake, channel)
            if message is None:
                break
            attempt = channel.attempt(message.text)
            _settle(lake, channel, message.message_id, attempt)
            reason = f" ({attempt.reason})" if attempt.reason else ""
            outcomes.append(f"{channel.name} {attempt.outcome}{reason}")
            if attempt.outcome != "sent":
                break
    return ", ".join(outcomes) or "nothing to send"


def write_heartbeat(lake: Lake, now: datetime) -> None:
    """Store that the alert sensor ran at `now`, UTC. The metrics process reads it to notice that the sensor has stopped."""
    lake.write_json(HEARTBEAT_PATH, {"at": now.isoformat(timespec="seconds")})


def read_heartbeat(lake: Lake) -> datetime | None:
    """When the alert sensor last ran, UTC; None before the first time."""
    if not lake.exists(HEARTBEAT_PATH):
        return None
    return datetime.fromisoformat(lake.read_json(HEARTBEAT_PATH)["at"])


def _claim(lake: Lake, channel: Channel) -> ClaimedMessage | None:
    """Claim the channel's next due message in the stored state."""
    message: ClaimedMessage | None = None

    def change(state: AlertState) -> AlertState:
        nonlocal message
        claimed, message = outbox.claim_message(state, channel.name, clock())
        return claimed

    update_alert_state(lake, change)
    return message


def _settle(lake: Lake, channel: Channel, message_id: str, attempt: Attempt) -> None:
    """Store the outcome of an attempt."""
    update_alert_state(lake, lambda state: outbox.settle_delivery(state, channel.name, message_id, attempt, clock()))
