"""The association on Gemini: its capsule, its pages, its window on the fediverse."""
