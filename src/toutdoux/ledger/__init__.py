"""The ledger: what was recorded, in a chain that only grows."""
