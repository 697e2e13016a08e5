"""Everything that a terminal or a container starts: one module per subcommand of `milk`."""
