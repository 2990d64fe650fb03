"""Views that change weights on the way."""
