"""The follower and its thread: look, apply what is new, tell, wait."""
