"""``acl-bundle update``: new weights for a served model, or into a copy of a file."""
