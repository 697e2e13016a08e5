"""Alarm thresholds: the values above or below which CloudWatch raises an alarm.

Belongs here: thresholds that the CloudWatch alarms (`cdk.stacks.monitoring`) and the Grafana dashboards (`grafana/`) share.
Standard library only, because Grafana's dashboards are generated without the CDK.
"""

OLDEST_CHAMPION_DAYS = (
    120  # a quarter without a promotion is possible; after four months, the promotion process itself is suspect
)
SLOWEST_REQUEST_MS = 2000  # p99; a warm request takes milliseconds, a cold start less than a second
