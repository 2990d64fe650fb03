"""Which shapes a model takes: pinned ones, gears, or any."""
