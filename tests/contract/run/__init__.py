"""Datasets, descriptions, executions and updates."""
