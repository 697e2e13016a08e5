"""Predict route: forecasts in the request format of the previous service.

Belongs here: the route of the tag `predict`. Not here: its payload (`lambda_service.api.predict_legacy`).
"""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import Field, SkipValidation

from lambda_service.api import predict_legacy, schemas
from lambda_service.api.routes.common import EndpointServices, declare_answer, json_response, new_router

PREDICT_PATH = "/predict"

PredictItems = Annotated[list[predict_legacy.PredictItem], Field(min_length=1, max_length=schemas.MAX_BATCH_ITEMS)]


def predict_router(services: EndpointServices) -> APIGatewayHttpRouter:
    """POST /predict."""
    router = new_router()

    @router.post(
        PREDICT_PATH,
        tags=["predict"],
        responses=declare_answer(schemas.Prediction | list[schemas.Prediction], 404, 413, 422, 503),
        summary="Predictions in the format of the previous service: one object, or a list of up to 500",
    )
    def predict(body: Annotated[SkipValidation[predict_legacy.PredictItem | PredictItems], Body()]) -> Response[str]:
        # `body` only declares the schema: Powertools passes a list as its first item, so the JSON is read again
        market = services.champion.current()
        predictions = predict_legacy.predict(market, router.current_event.json_body)
        return json_response(predictions, services, market, cacheable=False)

    return router
