"""The application's description of itself: the OpenAPI document, and the Swagger page that shows it.

Belongs here: what is said of the whole API. Each route describes itself in `app`. What it takes to describe is imported late: a twentieth
of a second that no cold start need wait for.
"""

from __future__ import annotations

import json
from pathlib import Path

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

VERSION = "1.0.0"  # of the API
TITLE = "Milk prices of Mexico: forecasts"
ABOUT = (
    "Forecasts of Mexico's official consumer prices of milk (SNIIM), with their intervals: 54 cities, pasteurised and UHT, shops and "
    "supermarkets, and the national averages. Prices are MXN per litre. Names are understood in Spanish and English, with and without "
    "accents. Every answer says which model version made it, what it was trained on, and whether it is the baseline."
)


def openapi(app: APIGatewayHttpResolver) -> str:
    """The OpenAPI 3.1 document, as it is committed."""
    from aws_lambda_powertools.event_handler.openapi.models import APIKey, APIKeyIn, HTTPBearer

    key = {"name": "x-api-key", "in": APIKeyIn.header, "description": "where the operator hands out keys"}
    token = HTTPBearer(bearerFormat="JWT", description="where the operator has an identity provider; needs the scope")
    document = app.get_openapi_json_schema(
        title=TITLE,
        version=VERSION,
        description=ABOUT,
        security_schemes={"apiKey": APIKey.model_validate(key), "token": token},
        security=[{"apiKey": []}, {"token": []}],
    )
    return json.dumps(json.loads(document), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def swagger(app: APIGatewayHttpResolver) -> str:
    """A page to read and try the API with, whole: it asks for nothing from elsewhere."""
    from aws_lambda_powertools.event_handler.openapi import swagger_ui

    folder = Path(swagger_ui.__file__).parent
    script, style = ((folder / f"swagger-ui{name}").read_text(encoding="utf-8") for name in ("-bundle.min.js", ".min.css"))
    document = openapi(app).replace("</", "<\\/")  # a text that closes the page's script would end it
    return swagger_ui.generate_swagger_html(document, script, style, "", None, persist_authorization=True)
