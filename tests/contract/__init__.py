"""Contract tests: what the fake promises a C program, fact by fact.

Every test names the facts it stands on: "facts 1.7" is section 1.7 of docs/facts.md, and so is the
ending of test_..._facts_1_7.
"""
