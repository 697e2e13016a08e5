"""OpenAPI: the document that describes the API, and the Swagger page that shows it.

Belongs here: the description of the API as a whole. Not here: the description of each route (`routes`) and schema (`schemas`). The modules
that build the document are imported on use: they take about 50 ms, which a cold start does not need.
"""

from __future__ import annotations

import json
from pathlib import Path

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from lambda_service.api.api_keys import API_KEY_HEADER

API_VERSION = "1.0.0"
TITLE = "Milk prices of Mexico: forecasts"
DESCRIPTION = (
    "Forecasts of Mexico's official consumer milk prices (SNIIM), with prediction intervals: 54 cities, pasteurised and UHT milk, stores "
    "and supermarkets, and the national averages. Prices are MXN per litre. Names are accepted in Spanish and English, with or without "
    "accents. Every answer states which model version made it, what that version was trained on, and whether it is the no-change baseline."
)


def openapi_document(app: APIGatewayHttpResolver) -> str:
    """The OpenAPI 3.1 document as JSON, as it is committed in `lambda_service/openapi.json`."""
    from aws_lambda_powertools.event_handler.openapi.models import APIKey, APIKeyIn, HTTPBearer

    key = {"name": API_KEY_HEADER, "in": APIKeyIn.header, "description": "for deployments whose operator issues API keys"}
    token = HTTPBearer(
        bearerFormat="JWT", description="for deployments with an identity provider; the token needs the scope of the API"
    )
    document = app.get_openapi_json_schema(
        title=TITLE,
        version=API_VERSION,
        description=DESCRIPTION,
        security_schemes={"apiKey": APIKey.model_validate(key), "token": token},
        security=[{"apiKey": []}, {"token": []}],
    )
    return json.dumps(json.loads(document), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def swagger_page(app: APIGatewayHttpResolver) -> str:
    """A page to read and try the API. It contains its script and styles, so it loads nothing from the network."""
    from aws_lambda_powertools.event_handler.openapi import swagger_ui

    folder = Path(swagger_ui.__file__).parent
    script = (folder / "swagger-ui-bundle.min.js").read_text(encoding="utf-8")
    style = (folder / "swagger-ui.min.css").read_text(encoding="utf-8")
    document = openapi_document(app).replace("</", "<\\/")  # `</script>` in a description would end the page's script
    return swagger_ui.generate_swagger_html(document, script, style, "", None, persist_authorization=True)
