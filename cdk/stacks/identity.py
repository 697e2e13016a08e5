"""Identity stack: who receives tokens for the endpoint.

Belongs here: the token issuer, its scope and its first client. Not here: what a token gives access to (`cdk.stacks.api`).
"""

from aws_cdk import Aws, CfnOutput, Duration
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from cdk.common.deployments import Deployment
from cdk.common.milk_stack import MilkStack, acknowledge

RESOURCE_SERVER = "milk"
READ_FORECASTS = "forecasts.read"
SCOPE = f"{RESOURCE_SERVER}/{READ_FORECASTS}"
TOKEN_VALIDITY = Duration.hours(1)


class IdentityStack(MilkStack):
    """A user pool without users: programs exchange a client id and secret for a token that is valid for one hour.

    Args:
        scope: The app.
        deployment: Settings of the environment.
        suffix: Makes the domain of the token endpoint globally unique.
    """

    def __init__(self, scope: Construct, deployment: Deployment, *, suffix: str) -> None:
        super().__init__(scope, deployment, "identity", "Tokens for the endpoint")
        self._domain_prefix = "-".join(part for part in (self.name_of("tokens"), suffix) if part)
        self.pool = self._user_pool()
        self.client = self._first_client()
        token_url = f"https://{self._domain_prefix}.auth.{Aws.REGION}.amazoncognito.com/oauth2/token"
        CfnOutput(self, "TokenUrl", value=token_url)
        CfnOutput(self, "ClientId", value=self.client.user_pool_client_id)
        acknowledge(
            self.pool,
            {
                "AwsSolutions-COG8": "The Plus plan adds threat protection and passwordless sign-in for people; no person signs in here",
                "AwsSolutions-COG3": "Threat protection evaluates sign-ins of people; programs do not sign in as a user",
            },
        )

    def _user_pool(self) -> cognito.UserPool:
        pool = cognito.UserPool(
            self,
            "Pool",
            user_pool_name=self.name_of("clients"),
            self_sign_up_enabled=False,
            account_recovery=cognito.AccountRecovery.NONE,
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            password_policy=cognito.PasswordPolicy(
                min_length=16, require_digits=True, require_lowercase=True, require_symbols=True, require_uppercase=True
            ),
            deletion_protection=self.deployment.protected,
            removal_policy=self.removal_policy,
        )
        pool.add_domain("Domain", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=self._domain_prefix))
        return pool

    def _first_client(self) -> cognito.UserPoolClient:
        read = cognito.ResourceServerScope(
            scope_name=READ_FORECASTS, scope_description="Read forecasts, reports and the track record"
        )
        server = self.pool.add_resource_server("Forecasts", identifier=RESOURCE_SERVER, scopes=[read])
        return self.pool.add_client(
            "Integrator",
            user_pool_client_name=self.name_of("integrator"),
            generate_secret=True,
            prevent_user_existence_errors=True,
            access_token_validity=TOKEN_VALIDITY,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(client_credentials=True),
                scopes=[cognito.OAuthScope.resource_server(server, read)],
            ),
        )

    @property
    def issuer(self) -> str:
        """URL that tokens name as their issuer. Equals the pool's own attribute, which emulators do not provide."""
        return f"https://cognito-idp.{Aws.REGION}.amazonaws.com/{self.pool.user_pool_id}"
