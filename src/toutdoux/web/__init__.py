"""The web: where members vote, follow and account for what they do."""
