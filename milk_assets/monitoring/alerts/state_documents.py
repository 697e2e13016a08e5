"""Alert state: the documents that hold incidents and messages.

Belongs here: their fields, and the keys they have in `monitoring/alerts.json`. Not here: how they change (`incidents`, `outbox`) and how
the file is read and written (`milk_assets.stores.alert_state`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, PlainSerializer

from milk_assets.monitoring.detection.stored_document import MonitoringDocument, MonitoringPart

# as `datetime.isoformat` writes it: Pydantic's own form ends in Z instead of +00:00, and message ids are made of this text
Timestamp = Annotated[AwareDatetime, PlainSerializer(datetime.isoformat, return_type=str, when_used="json")]
DeliveryStep = Literal["queued", "sending"]


class Incident(MonitoringPart):
    """A rule that is breached now, for one segment and model.

    Attributes:
        rule: Name of the rule.
        segment: Market, job or check that it is about; empty for the whole platform.
        model: Version of the model that it is about; empty where no model is involved.
        since: When the first breach was observed.
        last_observation_id: Id of the newest breach.
        breaches: Number of different breaches observed in a row.
        is_open: Whether the breaches were enough to announce the incident.
        text: What was observed last, for a person.
    """

    rule: str
    segment: str = ""
    model: str = ""
    since: Timestamp
    last_observation_id: str | None = Field(default=None, validation_alias="at", serialization_alias="at")
    breaches: int = Field(default=0, validation_alias="seen", serialization_alias="seen")
    is_open: bool = Field(default=False, validation_alias="open", serialization_alias="open")
    text: str = ""


class Delivery(MonitoringPart):
    """Progress of a message on one channel.

    Attributes:
        step: `queued`: the channel certainly does not have it. `sending`: a sender has claimed it, or an attempt got no answer.
        attempts: Number of attempts so far.
        not_before: Earliest time of the next attempt; while a claim is valid, the time when it expires.
        reason: Why the last attempt failed, without secrets.
    """

    step: DeliveryStep = "queued"
    attempts: int = 0
    not_before: Timestamp
    reason: str = ""


class Message(MonitoringPart):
    """A message that at least one channel has not accepted yet.

    Attributes:
        message_id: Ten hexadecimal digits; the text ends in them.
        text: The plain text.
        queued_at: When it was written.
        deliveries: Channel → progress, for the channels that have not accepted it.
    """

    message_id: str = Field(validation_alias="id", serialization_alias="id")
    text: str
    queued_at: Timestamp = Field(validation_alias="at", serialization_alias="at")
    deliveries: dict[str, Delivery] = Field(validation_alias="channels", serialization_alias="channels")


class AlertState(MonitoringDocument):
    """Everything that alerting remembers between two runs.

    Attributes:
        incidents: Rule, segment and model, joined by `|` → incident.
        announced_events: Ids of the events that were announced, oldest first.
        digest_day: Day of the newest digest, YYYY-MM-DD in Mexico City; None before the first.
        outbox: Messages to send, oldest first.
        is_initialized: Whether a complete read of all sources has happened. Events before it are history and are not announced.
    """

    schema_version: int = Field(default=1, validation_alias="schema", serialization_alias="schema")
    incidents: dict[str, Incident] = Field(default_factory=dict)
    announced_events: tuple[str, ...] = Field(default=(), validation_alias="told", serialization_alias="told")
    digest_day: str | None = Field(default=None, validation_alias="digest", serialization_alias="digest")
    outbox: tuple[Message, ...] = ()
    is_initialized: bool = Field(default=False, validation_alias="adopted", serialization_alias="adopted")
