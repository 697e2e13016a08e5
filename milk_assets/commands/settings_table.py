"""`milk settings`: every setting with its value and where the value comes from.

Belongs here: printing. The settings are `milk_assets.settings` and `lambda_service.settings`.
"""

from typing import Annotated

import typer


def settings_command(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the reference table of docs/settings.md instead.")] = False,
) -> None:
    """Print every setting, its value (secrets masked) and its source."""
    if markdown:
        print(settings_markdown(), end="")
        return
    from rich.console import Console
    from rich.table import Table

    from milk_assets.settings import Settings

    table = Table(box=None, pad_edge=False)
    for heading in ("setting", "value", "source"):
        table.add_column(heading, overflow="fold")
    for row in Settings.read().describe():
        table.add_row(row.variable, row.value, row.source)
    Console(highlight=False, soft_wrap=True).print(table)


def settings_markdown() -> str:
    """The reference of all settings as a Markdown page."""
    from lambda_service.settings import describe_settings
    from milk_assets.settings import setting_reference

    lines = [
        "# Settings",
        "",
        "Every setting is an environment variable. `milk settings` prints the values in force. This page is written by",
        "`milk settings --markdown`.",
        "",
        "## Platform",
        "",
        "| variable | default | meaning |",
        "| --- | --- | --- |",
        *(f"| `{variable}` | {_code(default)} | {meaning} |" for variable, default, meaning in setting_reference()),
        "",
        "## HTTP endpoint",
        "",
        "| variable | default | meaning |",
        "| --- | --- | --- |",
        *(f"| `{variable}` | {_code(default)} | {meaning} |" for variable, default, meaning in describe_settings()),
    ]
    return "\n".join(lines) + "\n"


def _code(default: object) -> str:
    return f"`{default}`" if default not in (None, "") else "–"
