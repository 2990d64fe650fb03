"""``acl-bundle weights``: `acl_bundle.weights` from the shell.

`app` has the arguments and nothing else. A command's own module (`list`, `diff`,
`convert`, ...) opens its files by `inputs`, checks what it may write by
`outputs`, and shows rows by `show`; what takes long moves a bar (`progress`).

Patterns mean the names as they are in the source; renaming comes last.
"""
