"""The rules: pure functions that know no file, no clock, no database and no framework."""
