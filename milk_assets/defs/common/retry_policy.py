"""Retry policy: how Dagster retries a failed step.

Belongs here: the one policy that every asset uses. Errors that a retry cannot fix raise `dg.Failure(allow_retries=False)` instead.
"""

import dagster as dg

# Covers a site, a bucket or a database that is down for a moment. An outage of more than a few minutes needs a person.
RETRY = dg.RetryPolicy(max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL)
