"""The trainer's half: a version is there whole, once."""
