"""How a failed stage is tried again.

Belongs here: the one policy. What trying again cannot mend raises `dg.Failure(allow_retries=False)`.
"""

import dagster as dg

# A site, a bucket or a database that is down for a moment; whatever lasts longer than a few minutes is for a person.
RETRY = dg.RetryPolicy(max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL)
