"""2-of-4 sparsity: groups along an axis, masks, pruned weights."""
