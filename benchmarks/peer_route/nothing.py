"""A handler that does nothing, for what the emulator and the runtime client take of every request."""


def handler(event: dict, context: object) -> dict:
    """200."""
    return {"statusCode": 200, "body": "{}"}
