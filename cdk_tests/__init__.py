"""Tests of the cloud. They run in the CDK's own environment (`make cdk-test`); all other tests run in the platform's."""
