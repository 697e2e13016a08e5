"""Identity: who is given tokens for the endpoint.

Belongs here: the token issuer, its scope and its first client. What a token opens is said by the endpoint's stack.
"""

from aws_cdk import Aws, CfnOutput, Duration
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from cdk.common.milk_stack import MilkStack, acknowledge
from cdk.common.settings import Deployment

RESOURCE = "milk"
READ = "forecasts.read"
SCOPE = f"{RESOURCE}/{READ}"
TOKEN_LIFE = Duration.hours(1)


class Identity(MilkStack):
    """A user pool without users: programs get a token for their client id and secret, good for an hour. suffix: makes the domain unique."""

    def __init__(self, scope: Construct, deployment: Deployment, *, suffix: str) -> None:
        super().__init__(scope, deployment, "identity", "Tokens for the milk price endpoint")
        self.pool = cognito.UserPool(
            self,
            "Pool",
            user_pool_name=self.named("clients"),
            self_sign_up_enabled=False,
            account_recovery=cognito.AccountRecovery.NONE,
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            password_policy=cognito.PasswordPolicy(
                min_length=16, require_digits=True, require_lowercase=True, require_symbols=True, require_uppercase=True
            ),
            deletion_protection=deployment.protected,
            removal_policy=self.removal,
        )
        self.pool.add_domain("Domain", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=self._domain(suffix)))
        read = cognito.ResourceServerScope(scope_name=READ, scope_description="Read forecasts, reports and the track record")
        server = self.pool.add_resource_server("Forecasts", identifier=RESOURCE, scopes=[read])
        self.client = self.pool.add_client(
            "Integrator",
            user_pool_client_name=self.named("integrator"),
            generate_secret=True,
            prevent_user_existence_errors=True,
            access_token_validity=TOKEN_LIFE,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(client_credentials=True),
                scopes=[cognito.OAuthScope.resource_server(server, read)],
            ),
        )
        CfnOutput(self, "TokenUrl", value=f"https://{self._domain(suffix)}.auth.{Aws.REGION}.amazoncognito.com/oauth2/token")
        CfnOutput(self, "ClientId", value=self.client.user_pool_client_id)
        acknowledge(
            self.pool,
            {
                "AwsSolutions-COG8": "The plan above buys threat protection and passwordless sign-in of people; this pool has none",
                "AwsSolutions-COG3": "Threat protection judges sign-ins of people; clients cannot sign in as one",
            },
        )

    @property
    def issuer(self) -> str:
        """The address that tokens name as their issuer. Not the pool's own attribute, which emulators lack; it is this."""
        return f"https://cognito-idp.{Aws.REGION}.amazonaws.com/{self.pool.user_pool_id}"

    def _domain(self, suffix: str) -> str:
        return "-".join(part for part in (self.named("tokens"), suffix) if part)
