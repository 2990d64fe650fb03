"""The graphs of a bundle as sub-models: infer, init, update."""
