"""The model itself, shared by training, batch scoring and the endpoint.

It needs numpy and xgboost only and imports no other package of the project.
"""
