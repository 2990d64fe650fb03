"""``acl-bundle compare``: two answers side by side."""
