"""The model itself, shared by training, batch scoring and the endpoint: numpy and xgboost only, imports nothing else of the project."""
