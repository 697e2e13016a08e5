"""Jobs, schedules, sensors, and the pure decisions they ask."""
