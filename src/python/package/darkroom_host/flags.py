"""The flags that the server was started with, by the names that comfy.cli_args.args has."""

given = {}  # filled before the first pack is imported
