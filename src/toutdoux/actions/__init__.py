"""Actions and votes as they stand, and the one door through which they change."""
