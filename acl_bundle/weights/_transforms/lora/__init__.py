"""Adapters of LoRA, merged into the weights that they change."""
