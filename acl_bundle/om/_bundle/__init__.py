"""Several models as one: roles, weights, and the manifest beside the file."""
