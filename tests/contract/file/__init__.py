"""Files: what is looked at, and what is refused."""
