"""Replicas as actors of Ray, on any of its nodes."""
