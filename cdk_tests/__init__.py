"""Tests of the cloud. They run in the CDK's own environment (`make cdk-test`), the rest of the tests in the platform's."""
