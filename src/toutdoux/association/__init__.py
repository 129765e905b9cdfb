"""Associations, their members and charters: as the ledger tells of them."""
