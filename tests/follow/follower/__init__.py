"""The follower and its thread."""
