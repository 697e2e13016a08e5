"""Scripts that a deployment runs besides the CDK: build and push images, smoke test, release notes, package for Lambda."""
