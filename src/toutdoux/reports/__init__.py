"""The inventory, the audit and the activity report, and how each is rendered."""
