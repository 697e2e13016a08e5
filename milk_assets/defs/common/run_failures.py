"""Run failures: the cause of a failed step as one line of text, for alerts and the terminal.

Belongs here: reading failure events. Not here: sending them, which is in `defs.automation.alert_sensors`.
"""

import dagster as dg


def failure_cause(event: dg.DagsterEvent) -> str:
    """The step's name and why it failed: the description of its `dg.Failure`, or else the text of the innermost error."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return f"{event.step_key}: {data.user_failure_data.description}"
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return f"{event.step_key}: {error.message.strip() if error else 'no cause recorded'}"
