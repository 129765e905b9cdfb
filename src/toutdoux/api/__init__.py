"""The HTTP API: everything that the pages do, for programs. It has no rules of its own."""
