"""Monitoring: alarms, who hears of them, and the dashboard.

Belongs here: thresholds on what AWS and the endpoint measure. The model's own accuracy and drift are watched by the platform, which
writes to Telegram; these alarms also ring when the platform is silent.
"""

from collections.abc import Sequence

from aws_cdk import Aws, Duration
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_rds as rds
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_stepfunctions as states
from constructs import Construct

from cdk.common.milk_stack import MilkStack
from cdk.common.settings import Deployment, Release
from milk_model.artefact_paths import METRICS

FIVE_MINUTES = Duration.minutes(5)
OLDEST_CHAMPION = Duration.days(
    120
)  # a quarter without a promotion is possible, a third of a year says that nothing is judged any more
LEAST_STORAGE = 2 * 1024**3  # bytes: a week's growth, ten times over
RUNBOOK = "docs/cloud.md, Alarms"
Metric = cloudwatch.IMetric


class Monitoring(MilkStack):
    """Alarms of the endpoint, the database, the services and the batch; each names what to do first."""

    def __init__(
        self,
        scope: Construct,
        deployment: Deployment,
        *,
        release: Release,
        function: lambda_.Function,
        apis: dict[str, http.HttpApi],
        database: rds.DatabaseInstance,
        machine: states.StateMachine,
        services: Sequence[str],
    ) -> None:
        super().__init__(scope, deployment, "monitoring", "Alarms and dashboard of the milk price platform")
        self.topic = self._topic(release)
        self._dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=self.named("overview"), period_override=None)
        self._endpoint(function, apis)
        self._model()
        self._platform(database, services)
        self._batch(machine)

    def _topic(self, release: Release) -> sns.Topic:
        key = kms.Key(
            self,
            "Key",
            alias=f"alias/{self.named('alarms')}",
            description="Alarms on their way to a person",
            enable_key_rotation=True,
            removal_policy=self.removal,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsMayPublish",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],  # in a key's policy: the key itself
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        topic = sns.Topic(self, "Alarms", topic_name=self.named("alarms"), master_key=key, enforce_ssl=True)
        if release.alarms_to:
            topic.add_subscription(subscriptions.EmailSubscription(release.alarms_to))
        return topic

    def _alarm(
        self,
        name: str,
        metric: Metric,
        threshold: float,
        what: str,
        *,
        periods: int = 1,
        below: bool = False,
        silent_is_bad: bool = False,
    ) -> cloudwatch.Alarm:
        operator = cloudwatch.ComparisonOperator
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=self.named(name),
            alarm_description=f"{what} See {RUNBOOK}.",
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=operator.LESS_THAN_THRESHOLD if below else operator.GREATER_THAN_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.BREACHING
            if silent_is_bad
            else cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        action = actions.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        return alarm

    def _show(self, title: str, left: Sequence[Metric], *, unit: str) -> cloudwatch.GraphWidget:
        return cloudwatch.GraphWidget(
            title=title, left=list(left), left_y_axis=cloudwatch.YAxisProps(label=unit, min=0), width=12
        )

    def _endpoint(self, function: lambda_.Function, apis: dict[str, http.HttpApi]) -> None:
        errors = function.metric_errors(period=FIVE_MINUTES)
        throttles = function.metric_throttles(period=FIVE_MINUTES)
        slow = function.metric_duration(period=FIVE_MINUTES, statistic="p99")
        failed = [api.metric_server_error(period=FIVE_MINUTES) for api in apis.values()]
        self._alarm("EndpointErrors", errors, 0, "The endpoint raised: an answer was lost.")
        self._alarm("EndpointThrottled", throttles, 0, "The account's concurrency is used up, and callers are turned away.")
        self._alarm("EndpointSlow", slow, 2000, "One request in a hundred takes over two seconds.", periods=3)
        for name, metric in zip(apis, failed, strict=True):
            self._alarm(f"{name.capitalize()}ServerErrors", metric, 0, "The endpoint answered 5xx.")
        calls = [api.metric_count(period=FIVE_MINUTES) for api in apis.values()]
        refused = [api.metric_client_error(period=FIVE_MINUTES) for api in apis.values()]
        self._dashboard.add_widgets(
            self._show("Requests, and those refused", [*calls, *refused], unit="in 5 min"),
            self._show("Errors", [errors, throttles, *failed], unit="in 5 min"),
        )
        self._dashboard.add_widgets(
            self._show(
                "Duration of the function",
                [slow, function.metric_duration(period=FIVE_MINUTES, statistic="p50")],
                unit="ms",
            ),
            self._show("Cold starts", [self._measured("ColdStart", "Sum")], unit="in 5 min"),
        )

    def _measured(self, name: str, statistic: str) -> cloudwatch.Metric:
        """A figure that the endpoint itself reports (EMF)."""
        return cloudwatch.Metric(
            namespace=METRICS,
            metric_name=name,
            dimensions_map={"service": self.named("api")},
            statistic=statistic,
            period=FIVE_MINUTES,
        )

    def _model(self) -> None:
        age = self._measured("ChampionAgeSeconds", "Maximum")
        failed = self._measured("ChampionRefreshFailed", "Sum")
        self._alarm("ChampionOld", age, OLDEST_CHAMPION.to_seconds(), "What is served has not changed for a third of a year.")
        self._alarm(
            "ChampionRefreshFailed", failed, 0, "A new champion could not be taken over: the last good one is served.", periods=2
        )
        self._dashboard.add_widgets(
            self._show("Age of what is served", [age], unit="s"),
            self._show("Failed refreshes, unknown series", [failed, self._measured("UnknownSeries", "Sum")], unit="in 5 min"),
        )

    def _platform(self, database: rds.DatabaseInstance, services: Sequence[str]) -> None:
        storage = database.metric_free_storage_space(period=FIVE_MINUTES)
        cpu = database.metric_cpu_utilization(period=FIVE_MINUTES)
        self._alarm("DatabaseFull", storage, LEAST_STORAGE, "The platform's Postgres is almost full.", below=True)
        self._alarm("DatabaseBusy", cpu, 90, "The platform's Postgres is at its limit.", periods=6)
        running = [
            cloudwatch.Metric(
                namespace="ECS/ContainerInsights",
                metric_name="RunningTaskCount",
                dimensions_map={"ClusterName": self.named("platform"), "ServiceName": self.named(service)},
                statistic="Minimum",
                period=FIVE_MINUTES,
            )
            for service in services
        ]
        for service, metric in zip(services, running, strict=True):
            what = f"The platform's {service} is not running."
            self._alarm(f"{service.capitalize()}Down", metric, 1, what, periods=3, below=True, silent_is_bad=True)
        self._dashboard.add_widgets(
            self._show("Services running", running, unit="tasks"), self._show("Postgres: CPU", [cpu], unit="%")
        )

    def _batch(self, machine: states.StateMachine) -> None:
        failed = machine.metric_failed(period=FIVE_MINUTES)
        self._alarm("BatchFailed", failed, 0, "Scoring all series at once failed.")
        self._dashboard.add_widgets(
            self._show("Batch", [machine.metric_succeeded(period=FIVE_MINUTES), failed], unit="executions")
        )
