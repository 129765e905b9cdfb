"""The journal: what the association did beside its actions, and what was published of it."""
