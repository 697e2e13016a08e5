"""Which model is served, and why: bundle, gate, ledger. Knows no Dagster, no clock, no network."""
