"""Requests wait here, and go to the device together where the model has gears."""
