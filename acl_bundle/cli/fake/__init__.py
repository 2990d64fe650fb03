"""``acl-bundle fake``: the fake in front of any program, and what it did there."""
