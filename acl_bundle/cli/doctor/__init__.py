"""``acl-bundle doctor``: would a bundle run here, and if not, why not."""
