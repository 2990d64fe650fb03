"""Fleets: one version on every replica, or on none."""
