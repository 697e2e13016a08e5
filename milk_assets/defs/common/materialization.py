"""Materialization metadata: row counts, column schemas, tables and plots for the Dagster UI.

Belongs here: turning frames and figures into metadata. Which of them to show is decided in each asset.
"""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from milk_assets.promotion.ledger.entries import AnyEntry, FloorDecision, GateDecision

MARKDOWN_ROWS = 12  # the side panel of the UI shows about this many without scrolling


def of_table(table: "pd.DataFrame", uri: str, descriptions: Mapping[str, str]) -> dict[str, Any]:
    """Row count, column schema with units, and address of a table, under the keys that the UI knows.

    Args:
        table: The table.
        uri: Where it is stored.
        descriptions: Column → meaning and unit; a column without one is shown without description.
    """
    columns = [
        dg.TableColumn(name=str(name), type=str(dtype), description=descriptions.get(str(name)))
        for name, dtype in table.dtypes.items()
    ]
    return {
        "dagster/row_count": len(table),
        "dagster/column_schema": dg.TableSchema(columns=columns),
        "dagster/uri": uri,
    }


def markdown(table: "pd.DataFrame", digits: int = 3, rows: int = MARKDOWN_ROWS) -> dg.MarkdownMetadataValue:
    """The first rows of a small table as Markdown; numbers are rounded, missing values are a dash."""
    shown = table.head(rows)
    lines = [_row(shown.columns), _row("---" for _ in shown.columns)]
    lines += [_row(_cell(value, digits) for value in row) for row in shown.itertuples(index=False)]
    return dg.MetadataValue.md("\n".join(lines))


def records(rows: Sequence[Mapping[str, Any]], digits: int = 3) -> dg.MarkdownMetadataValue:
    """The first of some documents with equal keys as a Markdown table."""
    import pandas as pd

    return markdown(pd.DataFrame(rows), digits)


def rules(decision: "GateDecision | FloorDecision") -> dg.MarkdownMetadataValue:
    """Every rule of a decision as a table: figure, threshold, whether it holds."""
    import pandas as pd

    from milk_assets.promotion.ledger.history import rule_rows

    rows = rule_rows(decision.rules)
    return markdown(pd.DataFrame(rows), rows=len(rows))


def plot(draw: Callable[["Axes"], None], *, width: float = 7.0, height: float = 3.2) -> dg.MarkdownMetadataValue:
    """A plot as an inline PNG.

    Args:
        draw: Draws on the axes it is given.
        width: Inches.
        height: Inches.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")  # no pyplot: no global state, nothing to close
    draw(figure.subplots())
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=90)
    return image(png.getvalue())


def skill_plot(entries: "Sequence[AnyEntry]") -> dg.MarkdownMetadataValue | str:
    """The skill score S over time from the ledger (1: as good as no change); a sentence where it has none yet."""
    from milk_assets.promotion.ledger.history import skill_series

    series = skill_series(entries)
    if not series:
        return "no skill score yet"

    def draw(axes: "Axes") -> None:
        import pandas as pd

        axes.axhline(1.0, color="0.5", linewidth=0.8)
        for name, points in series.items():
            axes.plot(
                pd.to_datetime([day for day, _ in points]), [skill for _, skill in points], marker="o", markersize=3, label=name
            )
        axes.set_ylabel("S (1: no change)")
        axes.legend(frameon=False, fontsize=8)

    return plot(draw)


def image(png: bytes) -> dg.MarkdownMetadataValue:
    """A PNG, inline."""
    return dg.MetadataValue.md(f"![plot](data:image/png;base64,{base64.b64encode(png).decode()})")


def _row(cells: Any) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _cell(value: Any, digits: int) -> str:
    if value is None or value != value:  # NaN and NaT differ from themselves
        return "–"
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value).removesuffix(" 00:00:00")
