"""What all commands have in common: how they show, how they fail, what their statuses mean.

- `output`: lines, tables and JSON documents.
- `trouble`: every error as one message and an exit status (docs/exit_codes.md).
- `arguments`: options that several commands have.
- `group`: the program itself, which runs a command between the two.
"""
