"""What the daily report and the monitoring dashboard share to make pages: the template environment and the parts of a chart."""
