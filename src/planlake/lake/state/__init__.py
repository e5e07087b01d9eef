"""What Planlake keeps about its own work: the ledger, runs, findings, the journal, the lock."""
