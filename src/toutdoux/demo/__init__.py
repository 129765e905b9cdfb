"""The demo semester: an invented association told as a scenario file."""
