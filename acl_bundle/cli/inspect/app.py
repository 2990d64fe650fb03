"""The arguments of ``acl-bundle inspect``, and nothing else."""

from __future__ import annotations

from acl_bundle.cli.shell.arguments import File, Json


def inspect(
    file: File,
    as_json: Json = False,
) -> None:
    """Show what is in a bundle or model file: graphs, inputs, outputs, weights.

    Nothing is loaded and no AscendCL is needed; files compiled for a chip and
    plain models can be read, too.
    """
    from acl_bundle.cli.inspect import show as command  # noqa: PLC0415

    command.run(file, as_json)
