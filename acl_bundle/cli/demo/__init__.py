"""A model that improves while it runs: ``acl-bundle demo``.

A trainer in a process of its own (`training`) fits a small network to
scikit-learn's handwritten digits (`digits`) and leaves its newest weights in a
mailbox (`weights`, `mailbox`). The same network was built once as a bundle
whose weights can all be changed (`network`); it stays loaded, and each new set
of weights goes into it between two rounds of inference (`loop`). What
scikit-learn gets with the same weights is computed beside it and must agree.

Needs the extra ``demo``.
"""
