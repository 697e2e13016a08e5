"""The ledger: every decision about the champion and every change of it, as files that are only ever added."""
