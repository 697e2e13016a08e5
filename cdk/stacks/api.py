"""Api: the endpoint, and the ways in.

Belongs here: its function, the HTTP APIs before it, who may call, how fast, and what is logged. Alarms are in `cdk.stacks.monitoring`.
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

from cdk.common.lambda_functions import endpoint_function
from cdk.common.milk_stack import MilkStack, acknowledge, allow, bucket_files
from cdk.common.settings import Deployment, Release
from cdk.stacks.identity import SCOPE, Identity
from milk_model.artefact_paths import METRICS, MODELS, SERVING

HANDLER = "lambda_service.handler.handler"
AUTHORIZER = "lambda_service.authorizer.handler"
HEALTH = "/v1/health"
FILES_COME_AND_GO = "Files under the prefix come and go; the prefix is the scope"
# The prefixes of the artefact bucket that the endpoint reads, and all that it may. It may not list: S3 then answers 403, not 404, for a
# file that is not there, and tells nobody what else there is.
READS = (SERVING, MODELS)
TIMEOUT = Duration.seconds(10)  # a request takes milliseconds; only a cold start with a slow S3 comes near
REMEMBER_KEY = Duration.minutes(5)  # a revoked key is refused after this
ACCESS = {
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
}  # no header, no body and no query: a caller's secret stands in none of these


@jsii.implements(http.IAccessLogSettings)
class JsonAccessLog:
    """One JSON line a request, to a log group."""

    def __init__(self, group: logs.LogGroup) -> None:
        self._destination = http.LogGroupLogDestination(group)

    @property
    def destination(self) -> http.IAccessLogDestination:
        return self._destination

    @property
    def format(self) -> apigateway.AccessLogFormat:
        return apigateway.AccessLogFormat.custom(json.dumps(ACCESS))


class Api(MilkStack):
    """One function, one alias, and an HTTP API for each way to prove who calls: tokens, keys, roles. Paths are the same in all."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        *,
        release: Release,
        artefacts: str,
        repository: ecr.IRepository,
        identity: Identity,
    ) -> None:
        super().__init__(scope, deployment, "api", "The milk price endpoint")
        self._release, self._repository = release, repository
        self.function = self._function(artefacts)
        self.alias = lambda_.Alias(self, "Live", alias_name="live", version=self.function.current_version)
        tokens = authorizers.HttpJwtAuthorizer("Tokens", identity.issuer, jwt_audience=[identity.client.user_pool_client_id])
        self.apis = {"api": self._way_in("Tokens", "api", tokens, [SCOPE])}
        if deployment.api_keys:
            self.apis["keys"] = self._way_in("Keys", "keys", self._key_authorizer())
        if deployment.internal:
            self.apis["internal"] = self._way_in("Internal", "internal", authorizers.HttpIamAuthorizer())

    def _function(self, artefacts: str) -> lambda_.Function:
        function = endpoint_function(
            self,
            "Function",
            "api",
            handler=HANDLER,
            repository=self._repository,
            release=self._release,
            environment={
                "MILK_ENV": self.deployment.name,
                "MILK_ARTEFACTS": f"s3://{artefacts}",
                "OMP_NUM_THREADS": "1",  # a row is scored faster by one thread than by two that wait for each other
                "MALLOC_ARENA_MAX": "1",  # memory stays flat over swaps of the model
                "POWERTOOLS_METRICS_NAMESPACE": METRICS,
                "POWERTOOLS_SERVICE_NAME": self.named("api"),
                **({"MILK_CHAMPION_TTL": self._release.champion_ttl} if self._release.champion_ttl else {}),
            },
            memory=self.deployment.api_memory,
            timeout=TIMEOUT,
        )
        allow(function.role, "ReadWhatIsServed", ["s3:GetObject"], bucket_files(artefacts, *READS), why=FILES_COME_AND_GO)
        return function

    def _key_authorizer(self) -> authorizers.HttpLambdaAuthorizer:
        keys = secrets.Secret(
            self,
            "ApiKeys",
            secret_name=self.named("api-keys"),
            description="sha256 of each API key and whose it is; the keys themselves are nowhere",
            removal_policy=self.removal,
        )
        acknowledge(
            keys,
            {
                "AwsSolutions-SMG4": "Holds hashes of keys that callers keep: rotating it would lock them out; a key is revoked by hand"
            },
        )
        function = endpoint_function(
            self,
            "KeyAuthorizer",
            "api-keys",
            handler=AUTHORIZER,
            repository=self._repository,
            release=self._release,
            environment={"MILK_API_KEY_HASHES_SECRET": keys.secret_arn},
            memory=Size.mebibytes(256),
            timeout=Duration.seconds(5),
        )
        allow(function.role, "ReadKeyHashes", ["secretsmanager:GetSecretValue"], [keys.secret_arn])
        return authorizers.HttpLambdaAuthorizer(
            "Keys",
            function,
            response_types=[authorizers.HttpLambdaResponseType.SIMPLE],
            identity_source=["$request.header.X-Api-Key"],
            results_cache_ttl=REMEMBER_KEY,
        )

    def _way_in(
        self, name: str, what: str, authorizer: http.IHttpRouteAuthorizer, scopes: list[str] | None = None
    ) -> http.HttpApi:
        """An HTTP API on which everything but the health check asks for the authorizer."""
        integration = integrations.HttpLambdaIntegration(f"{name}Live", self.alias)
        api = http.HttpApi(
            self,
            name,
            api_name=self.named(what),
            create_default_stage=False,
            default_authorizer=authorizer,
            default_authorization_scopes=scopes,
        )
        for method in (http.HttpMethod.GET, http.HttpMethod.POST):
            api.add_routes(path="/{proxy+}", methods=[method], integration=integration)
        (health,) = api.add_routes(
            path=HEALTH,
            methods=[http.HttpMethod.GET],
            integration=integration,
            authorizer=http.HttpNoneAuthorizer(),
            authorization_scopes=[],
        )
        acknowledge(
            health, {"AwsSolutions-APIG4": "The health check says nothing that is not public, and what asks it has no token"}
        )
        group = logs.LogGroup(
            self,
            f"{name}Access",
            log_group_name=f"/{self.named(what)}/access",
            retention=self.deployment.keep_logs,
            removal_policy=self.removal,
        )
        http.HttpStage(
            self,
            f"{name}Stage",
            http_api=api,
            stage_name="$default",
            auto_deploy=True,
            detailed_metrics_enabled=True,
            throttle=http.ThrottleSettings(rate_limit=self.deployment.requests_a_second, burst_limit=self.deployment.burst),
            access_log_settings=JsonAccessLog(group),
        )
        CfnOutput(self, f"{name}Url", value=address(api))
        return api


def address(api: http.HttpApi) -> str:
    """The address of an API's default stage."""
    return f"https://{api.api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}"
