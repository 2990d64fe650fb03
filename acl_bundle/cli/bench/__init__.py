"""``acl-bundle bench``: latency by shape and precision."""
