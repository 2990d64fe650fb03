"""``acl-bundle precision``: which weights must stay float32 for a tolerance, or layers."""
