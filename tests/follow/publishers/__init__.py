"""The trainer's half."""
