"""``acl-bundle follow``: a bundle that takes what a trainer publishes."""
