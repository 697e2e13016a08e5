"""Jinja pages: the template environment of the self-contained HTML pages.

Belongs here: the settings of Jinja and how style sheets and scripts are put into a page. Not here: templates, which are in the
package that prints them (`milk_assets.reporting`, `milk_assets.monitoring`).
"""

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup


def page_template(package: str, name: str) -> Template:
    """Load a page template.

    Values are escaped, and an undefined name raises `jinja2.UndefinedError`. In a template, `asset("report.css")` inserts a style
    sheet or a script of the same folder.

    Args:
        package: Package whose folder `templates` holds the template.
        name: File name of the template.
    """
    return _environment(package).get_template(name)


@cache
def _environment(package: str) -> Environment:
    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = lambda file: Markup(_asset(package, file))  # noqa: S704  the project's own style and script
    return environment


@cache
def _asset(package: str, name: str) -> str:
    """Read a style sheet or a script, without its comments and indents, which only its developers read."""
    text = PackageLoader(package).get_source(Environment(autoescape=True), name)[0]
    comment = r"/\*(?s:.*?)\*/" if name.endswith(".css") else r"^\s*//.*$"
    text = re.sub(comment, "", text, flags=re.MULTILINE)
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())
