"""Empty handler: measures the share of the emulator and the runtime client in every request."""


def handler(event: dict, context: object) -> dict:
    """An empty answer."""
    return {"statusCode": 200, "body": "{}"}
