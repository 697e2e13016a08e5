"""Which model is served, and why: gate, floor, ledger, and the steps of a change. No Dagster, no clock, no connection."""
