"""The outside world, each part replaceable in a test. Nothing heavy is imported before it is used."""
