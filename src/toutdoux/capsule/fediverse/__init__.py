"""Reading the fediverse from Gemini: the association's accounts, and those it lets be read."""
