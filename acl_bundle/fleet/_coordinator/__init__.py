"""Bringing a version to every replica or to none."""
