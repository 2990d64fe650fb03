"""``acl-bundle inspect``: what a file says about itself."""
