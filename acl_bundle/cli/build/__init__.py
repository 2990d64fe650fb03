"""``acl-bundle build``: a bundle of any model."""
