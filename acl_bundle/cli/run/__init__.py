"""``acl-bundle run``: one inference, and what came of it."""
