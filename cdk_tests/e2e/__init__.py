"""End-to-end tests of the deployment: the real CDK command, an AWS emulator on loopback, the platform, and the endpoint over HTTP."""
