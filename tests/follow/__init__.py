"""Following a trainer."""
