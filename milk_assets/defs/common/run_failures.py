"""What went wrong in a run, in one line a step: for alerts and the terminal alike."""

import dagster as dg


def failure_cause(event: dg.DagsterEvent) -> str:
    """One line of what failed a step: its own description where it gave one, else the innermost error's text."""
    data = event.step_failure_data
    if data.user_failure_data and data.user_failure_data.description:
        return f"{event.step_key}: {data.user_failure_data.description}"
    error = data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return f"{event.step_key}: {error.message.strip() if error else 'no cause recorded'}"
