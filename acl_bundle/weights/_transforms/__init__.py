"""Views that change weights on the way: names, axes, dtypes, sparsity, adapters."""
