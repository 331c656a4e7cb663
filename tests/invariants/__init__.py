"""The three invariants of the ledger (DESIGN §2): any order and repetition, any channel, any crash."""
