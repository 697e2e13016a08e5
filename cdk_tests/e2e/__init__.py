"""The deployment, end to end: the real CDK command, an emulator of AWS on loopback, the platform, the endpoint over HTTP."""
