"""Monitoring stack: CloudWatch alarms, their recipients, and a dashboard.

Belongs here: alarms on what AWS and the endpoint measure. Not here: accuracy and drift of the model, which the platform checks and
sends to Telegram itself; these alarms also work while the platform is down. Thresholds that Grafana shows too are in
`cdk.common.alarm_thresholds`.
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

from cdk.common.alarm_thresholds import OLDEST_CHAMPION_DAYS, SLOWEST_REQUEST_MS
from cdk.common.deployments import Deployment, Release
from cdk.common.milk_stack import MilkStack
from cdk.stacks.platform_services import SERVICE_NAMES
from milk_model.artefact_paths import METRICS

FIVE_MINUTES = Duration.minutes(5)
MIN_FREE_STORAGE_GIB = 2  # ten times the growth of a week
MAX_DATABASE_CPU_PERCENT = 90
RUNBOOK = "docs/cloud.md, Alarms"
SERVICE_DOWN_EFFECTS = {
    "code": "sensors and schedules stop: no new prices, forecasts or alerts",
    "webserver": "the Dagster UI is unavailable; runs continue",
    "daemon": "no run starts: no new prices or forecasts",
    "mlflow": "training and promotion fail; the endpoint keeps serving",
}


class MonitoringStack(MilkStack):
    """Alarms of the endpoint, the database, the services and the batch. The description of each says what it means and what to do."""

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
    ) -> None:
        super().__init__(scope, deployment, "monitoring", "Alarms and dashboard of the milk price platform")
        self.topic = self._topic(release)
        self._dashboard = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=self.name_of("overview"), period_override=None)
        self._watch_function(function)
        self._watch_apis(apis)
        self._show_requests(function, apis)
        self._watch_champion()
        self._watch_database(database)
        self._watch_services(database)
        self._watch_batch(machine)

    def _topic(self, release: Release) -> sns.Topic:
        key = kms.Key(
            self,
            "Key",
            alias=f"alias/{self.name_of('alarms')}",
            description="Encrypts alarm notifications",
            enable_key_rotation=True,
            removal_policy=self.removal_policy,
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsMayPublish",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],  # in the policy of a key, this means the key itself
                conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}},
            )
        )
        topic = sns.Topic(self, "Alarms", topic_name=self.name_of("alarms"), master_key=key, enforce_ssl=True)
        if release.alarms_to:
            topic.add_subscription(subscriptions.EmailSubscription(release.alarms_to))
        return topic

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        description: str,
        *,
        periods: int = 1,
        is_minimum: bool = False,
        missing_is_bad: bool = False,
    ) -> None:
        """Create an alarm that notifies the topic when it starts and when it ends.

        Args:
            name: Short name; also the construct id.
            metric: What is watched.
            threshold: The alarm starts above this value, or below it with `is_minimum`.
            description: Two or three sentences: what it means, and what to do.
            periods: Consecutive periods of five minutes that must breach the threshold.
            is_minimum: The threshold is a lower limit.
            missing_is_bad: Periods without data count as breaches.
        """
        comparison, missing_data = cloudwatch.ComparisonOperator, cloudwatch.TreatMissingData
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=self.name_of(name),
            alarm_description=f"{description} See {RUNBOOK}.",
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=comparison.LESS_THAN_THRESHOLD if is_minimum else comparison.GREATER_THAN_THRESHOLD,
            treat_missing_data=missing_data.BREACHING if missing_is_bad else missing_data.NOT_BREACHING,
        )
        notification = actions.SnsAction(self.topic)
        alarm.add_alarm_action(notification)
        alarm.add_ok_action(notification)

    def _graph(self, title: str, metrics: Sequence[cloudwatch.IMetric], *, unit: str) -> cloudwatch.GraphWidget:
        axis = cloudwatch.YAxisProps(label=unit, min=0)
        return cloudwatch.GraphWidget(title=title, left=list(metrics), left_y_axis=axis, width=12)

    def _endpoint_metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        """Return a metric that the endpoint itself reports, in CloudWatch's embedded metric format."""
        return cloudwatch.Metric(
            namespace=METRICS,
            metric_name=name,
            dimensions_map={"service": self.name_of("api")},
            statistic=statistic,
            period=FIVE_MINUTES,
        )

    def _watch_function(self, function: lambda_.Function) -> None:
        log_group = f"/aws/lambda/{self.name_of('api')}"
        self._alarm(
            "EndpointErrors",
            function.metric_errors(period=FIVE_MINUTES),
            0,
            f"The endpoint's function failed and a caller got no answer. Find the exception in the log group {log_group}. "
            "If it began with a deployment, deploy the previous TAG.",
        )
        self._alarm(
            "EndpointThrottled",
            function.metric_throttles(period=FIVE_MINUTES),
            0,
            "Lambda rejects requests because the account has reached its limit of concurrent executions. "
            "Find the function that uses them, then request a higher limit or lower the API's rate limit.",
        )
        self._alarm(
            "EndpointSlow",
            function.metric_duration(period=FIVE_MINUTES, statistic="p99"),
            SLOWEST_REQUEST_MS,
            f"For 15 minutes, one request in a hundred has taken more than {SLOWEST_REQUEST_MS / 1000:g} seconds. "
            "Callers still get answers. Compare with cold starts on the dashboard, and check the latency of S3.",
            periods=3,
        )

    def _watch_apis(self, apis: dict[str, http.HttpApi]) -> None:
        for name, api in apis.items():
            self._alarm(
                f"{name.capitalize()}ServerErrors",
                api.metric_server_error(period=FIVE_MINUTES),
                0,
                f"The API {self.name_of(name)} answered with a status of 500 or above. "
                f"Find the request in the log group /{self.name_of(name)}/access, then its id in /aws/lambda/{self.name_of('api')}. "
                "Status 503 means that no model is published: run the jobs `promote` and `forecast`.",
            )

    def _show_requests(self, function: lambda_.Function, apis: dict[str, http.HttpApi]) -> None:
        requests = [api.metric_count(period=FIVE_MINUTES) for api in apis.values()]
        rejected = [api.metric_client_error(period=FIVE_MINUTES) for api in apis.values()]
        server_errors = [api.metric_server_error(period=FIVE_MINUTES) for api in apis.values()]
        errors = [function.metric_errors(period=FIVE_MINUTES), function.metric_throttles(period=FIVE_MINUTES)]
        durations = [function.metric_duration(period=FIVE_MINUTES, statistic=statistic) for statistic in ("p99", "p50")]
        self._dashboard.add_widgets(
            self._graph("Requests and rejected requests", [*requests, *rejected], unit="in 5 min"),
            self._graph("Errors", [*errors, *server_errors], unit="in 5 min"),
        )
        self._dashboard.add_widgets(
            self._graph("Duration of the function", durations, unit="ms"),
            self._graph("Cold starts", [self._endpoint_metric("ColdStart", "Sum")], unit="in 5 min"),
        )

    def _watch_champion(self) -> None:
        age = self._endpoint_metric("ChampionAgeSeconds", "Maximum")
        failed_refreshes = self._endpoint_metric("ChampionRefreshFailed", "Sum")
        self._alarm(
            "ChampionOld",
            age,
            Duration.days(OLDEST_CHAMPION_DAYS).to_seconds(),
            f"The served model has not changed for {OLDEST_CHAMPION_DAYS} days. Forecasts continue, but may have become less accurate. "
            "Check in Dagster that retrain_sensor and promotion_sensor run, and with `milk model history` why candidates are rejected.",
        )
        self._alarm(
            "ChampionRefreshFailed",
            failed_refreshes,
            0,
            "For 10 minutes, the endpoint has failed to load a new model; it keeps serving the previous one. "
            f"Find the log entry `champion refreshed` in /aws/lambda/{self.name_of('api')} and read its `reason`. "
            "If the bundle is bad, run `milk model rollback`.",
            periods=2,
        )
        unknown_series = self._endpoint_metric("UnknownSeries", "Sum")
        self._dashboard.add_widgets(
            self._graph("Age of the served model", [age], unit="s"),
            self._graph("Failed refreshes, unknown series", [failed_refreshes, unknown_series], unit="in 5 min"),
        )

    def _watch_database(self, database: rds.DatabaseInstance) -> None:
        self._alarm(
            "DatabaseFull",
            database.metric_free_storage_space(period=FIVE_MINUTES),
            MIN_FREE_STORAGE_GIB * 1024**3,
            f"The platform's Postgres has less than {MIN_FREE_STORAGE_GIB} GiB of free storage; when it is full, all runs fail. "
            "The storage has probably reached its maximum size: delete old runs in Dagster, or raise `database_storage` in "
            "cdk/common/deployments.py and deploy.",
            is_minimum=True,
        )
        self._alarm(
            "DatabaseBusy",
            database.metric_cpu_utilization(period=FIVE_MINUTES),
            MAX_DATABASE_CPU_PERCENT,
            f"The platform's Postgres has used more than {MAX_DATABASE_CPU_PERCENT} % of its CPU for 30 minutes; runs become slow. "
            "Look for slow queries in its log, or raise `database_class` in cdk/common/deployments.py and deploy.",
            periods=6,
        )

    def _watch_services(self, database: rds.DatabaseInstance) -> None:
        running_tasks = {
            service: cloudwatch.Metric(
                namespace="ECS/ContainerInsights",
                metric_name="RunningTaskCount",
                dimensions_map={"ClusterName": self.name_of("platform"), "ServiceName": self.name_of(service)},
                statistic="Minimum",
                period=FIVE_MINUTES,
            )
            for service in SERVICE_NAMES
        }
        for service, metric in running_tasks.items():
            self._alarm(
                f"{service.capitalize()}Down",
                metric,
                1,
                f"The service {self.name_of(service)} has had no running task for 15 minutes: {SERVICE_DOWN_EFFECTS[service]}. "
                "Read in ECS why its tasks stopped; usual causes are a secret without an expected key and a missing image.",
                periods=3,
                is_minimum=True,
                missing_is_bad=True,
            )
        self._dashboard.add_widgets(
            self._graph("Running services", list(running_tasks.values()), unit="tasks"),
            self._graph("Postgres: CPU", [database.metric_cpu_utilization(period=FIVE_MINUTES)], unit="%"),
        )

    def _watch_batch(self, machine: states.StateMachine) -> None:
        failed = machine.metric_failed(period=FIVE_MINUTES)
        self._alarm(
            "BatchFailed",
            failed,
            0,
            "A batch scoring execution failed and its results are incomplete. The endpoint is not affected. "
            f"Open the failed state of {self.name_of('batch')} in Step Functions, fix the cause, and start a new execution; "
            "each one writes to a folder of its own.",
        )
        succeeded = machine.metric_succeeded(period=FIVE_MINUTES)
        self._dashboard.add_widgets(self._graph("Batch", [succeeded, failed], unit="executions"))
