"""Contract tests: what the fake promises a C program, fact by fact.

Every test names the place of ACL's fact sheet it stands on, as "facts 1.7".
"""
