"""What a deployment runs beside the CDK: building and pushing images, asking the endpoint how it is, notes of a release."""
