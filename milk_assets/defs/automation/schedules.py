"""Schedules: what runs by the clock.

Belongs here: the daily report. Not here: what starts when something has happened (the sensors of this package).
"""

import dagster as dg

from milk_assets.defs.automation.jobs import report

REPORT_HOUR = 7  # Mexico City, before the first price lists of the day are written

# A day's partition exists from its midnight on, so a tick's newest partition is its own day. The run key is the day: it has one report.
daily_report_schedule = dg.build_schedule_from_partitioned_job(
    report,
    name="daily_report_schedule",
    hour_of_day=REPORT_HOUR,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Writes the day's price report every day at 07:00 in Mexico City.",
)
