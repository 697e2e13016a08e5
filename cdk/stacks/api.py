"""API stack: the endpoint and the HTTP APIs in front of it.

Belongs here: the function, its HTTP APIs, authorizers, rate limits and access logs. Not here: alarms (`cdk.stacks.monitoring`) and who
receives tokens (`cdk.stacks.identity`).
"""

import json

import jsii
from aws_cdk import Aws, CfnOutput, Duration, Size
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from cdk.common.deployments import Deployment, Release
from cdk.common.lambda_functions import endpoint_function
from cdk.common.milk_stack import MilkStack, acknowledge
from cdk.common.permissions import allow, allow_serving_reads
from cdk.stacks.identity import SCOPE, IdentityStack
from milk_model.artefact_paths import METRICS

REQUEST_HANDLER = "lambda_service.handler.handler"
AUTHORIZER_HANDLER = "lambda_service.authorizer.handler"
HEALTH_ROUTE = "/v1/health"
REQUEST_TIMEOUT = Duration.seconds(10)  # a request takes milliseconds; only a cold start with a slow S3 comes near this
API_KEY_CACHE_TTL = Duration.minutes(5)  # a revoked key is accepted for at most this long
# No headers, bodies or query strings: they can contain a caller's secrets.
ACCESS_LOG_FIELDS = {
    "requestId": apigateway.AccessLogField.context_request_id(),
    "time": apigateway.AccessLogField.context_request_time(),
    "method": apigateway.AccessLogField.context_http_method(),
    "route": "$context.routeKey",
    "path": apigateway.AccessLogField.context_path(),
    "status": apigateway.AccessLogField.context_status(),
    "latency": apigateway.AccessLogField.context_response_latency(),
    "bytes": apigateway.AccessLogField.context_response_length(),
    "caller": "$context.authorizer.claims.client_id",
    "refused": "$context.authorizer.error",
}


@jsii.implements(http.IAccessLogSettings)
class JsonAccessLog:
    """Access log settings: one JSON line per request, written to a log group."""

    def __init__(self, log_group: logs.LogGroup) -> None:
        self._destination = http.LogGroupLogDestination(log_group)

    @property
    def destination(self) -> http.IAccessLogDestination:
        return self._destination

    @property
    def format(self) -> apigateway.AccessLogFormat:
        return apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG_FIELDS))


class ApiStack(MilkStack):
    """One function with one alias, and one HTTP API per authentication method: tokens, API keys, IAM roles. All have the same paths."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        *,
        release: Release,
        artefacts: str,
        repository: ecr.IRepository,
        identity: IdentityStack,
    ) -> None:
        super().__init__(scope, deployment, "api", "HTTP endpoint of the milk price platform")
        self._release, self._repository = release, repository
        self.function = self._request_function(artefacts)
        self.alias = lambda_.Alias(self, "Live", alias_name="live", version=self.function.current_version)
        tokens = authorizers.HttpJwtAuthorizer("Tokens", identity.issuer, jwt_audience=[identity.client.user_pool_client_id])
        self.apis = {"api": self._http_api("Tokens", "api", tokens, [SCOPE])}
        if deployment.has_api_key_api:
            self.apis["keys"] = self._http_api("Keys", "keys", self._api_key_authorizer())
        if deployment.has_internal_api:
            self.apis["internal"] = self._http_api("Internal", "internal", authorizers.HttpIamAuthorizer())

    def _request_function(self, artefacts: str) -> lambda_.Function:
        champion_ttl = {"MILK_CHAMPION_TTL": self._release.champion_ttl} if self._release.champion_ttl else {}
        function = endpoint_function(
            self,
            "Function",
            "api",
            handler=REQUEST_HANDLER,
            repository=self._repository,
            release=self._release,
            environment={
                "MILK_ENV": self.deployment.name,
                "MILK_ARTEFACTS": f"s3://{artefacts}",
                "OMP_NUM_THREADS": "1",  # one thread scores a few rows faster than two that synchronize
                "MALLOC_ARENA_MAX": "1",  # keeps memory flat when the model is replaced
                "POWERTOOLS_METRICS_NAMESPACE": METRICS,
                "POWERTOOLS_SERVICE_NAME": self.name_of("api"),
                **champion_ttl,
            },
            memory=self.deployment.api_memory,
            timeout=REQUEST_TIMEOUT,
        )
        allow_serving_reads(function.role, artefacts)
        return function

    def _api_key_authorizer(self) -> authorizers.HttpLambdaAuthorizer:
        key_hashes = secrets.Secret(
            self,
            "ApiKeys",
            secret_name=self.name_of("api-keys"),
            description="SHA-256 hash and owner of each API key; the keys themselves are not stored",
            removal_policy=self.removal_policy,
        )
        no_rotation = "Holds hashes of keys that callers keep: rotation would lock them out; keys are revoked by hand"
        acknowledge(key_hashes, {"AwsSolutions-SMG4": no_rotation})
        function = endpoint_function(
            self,
            "KeyAuthorizer",
            "api-keys",
            handler=AUTHORIZER_HANDLER,
            repository=self._repository,
            release=self._release,
            environment={"MILK_API_KEY_HASHES_SECRET": key_hashes.secret_arn},
            memory=Size.mebibytes(256),
            timeout=Duration.seconds(5),
        )
        allow(function.role, "ReadKeyHashes", ["secretsmanager:GetSecretValue"], [key_hashes.secret_arn])
        return authorizers.HttpLambdaAuthorizer(
            "Keys",
            function,
            response_types=[authorizers.HttpLambdaResponseType.SIMPLE],
            identity_source=["$request.header.X-Api-Key"],
            results_cache_ttl=API_KEY_CACHE_TTL,
        )

    def _http_api(
        self, construct_id: str, name: str, authorizer: http.IHttpRouteAuthorizer, scopes: list[str] | None = None
    ) -> http.HttpApi:
        """Create an HTTP API whose routes, except the health check, require the authorizer."""
        integration = integrations.HttpLambdaIntegration(f"{construct_id}Live", self.alias)
        api = http.HttpApi(
            self,
            construct_id,
            api_name=self.name_of(name),
            create_default_stage=False,
            default_authorizer=authorizer,
            default_authorization_scopes=scopes,
        )
        for method in (http.HttpMethod.GET, http.HttpMethod.POST):
            api.add_routes(path="/{proxy+}", methods=[method], integration=integration)
        (health,) = api.add_routes(
            path=HEALTH_ROUTE,
            methods=[http.HttpMethod.GET],
            integration=integration,
            authorizer=http.HttpNoneAuthorizer(),
            authorization_scopes=[],
        )
        public = "The health check returns only public information, and its callers have no token"
        acknowledge(health, {"AwsSolutions-APIG4": public})
        access_log = self.log_group(f"{construct_id}Access", f"/{self.name_of(name)}/access")
        throttle = http.ThrottleSettings(rate_limit=self.deployment.requests_per_second, burst_limit=self.deployment.burst_limit)
        http.HttpStage(
            self,
            f"{construct_id}Stage",
            http_api=api,
            stage_name="$default",
            auto_deploy=True,
            detailed_metrics_enabled=True,
            throttle=throttle,
            access_log_settings=JsonAccessLog(access_log),
        )
        CfnOutput(self, f"{construct_id}Url", value=default_stage_url(api))
        return api


def default_stage_url(api: http.HttpApi) -> str:
    """Return the URL of an API's default stage, without a trailing slash."""
    return f"https://{api.api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}"
