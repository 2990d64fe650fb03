"""Which replica infers."""
