"""Replicas in processes of their own, and what goes between."""
