"""Contexts, devices, events, callbacks of streams."""
