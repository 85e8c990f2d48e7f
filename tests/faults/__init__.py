"""The fault matrix and the kill test, in small; `scripts/faults` has all of it."""
