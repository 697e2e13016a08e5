"""The HTTP endpoint: serves forecasts of the champion, as an AWS Lambda function or on this machine. Imports `milk_model` only."""
