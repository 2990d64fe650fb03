"""The transaction: stage, save, commit, publish; init and snapshots are commits as well."""
