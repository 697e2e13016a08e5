# The platform's image. Webserver, daemon, code location, runs and the MLflow server all use it; the command decides which one starts.
ARG BASE=python:3.12-slim-bookworm
FROM ${BASE} AS build
WORKDIR /opt/milk
RUN python -m venv /opt/venv
COPY requirements/server.txt requirements/server.txt
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/server.txt
COPY setup.cfg pyproject.toml README.md LICENSE ./
COPY milk_model milk_model
COPY lambda_service lambda_service
COPY milk_assets milk_assets
RUN /opt/venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM ${BASE}
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DO_NOT_TRACK=true \
    MLFLOW_DISABLE_TELEMETRY=true \
    OMP_NUM_THREADS=2 \
    HOME=/tmp \
    MILK_HOME=/tmp/milk \
    DAGSTER_HOME=/tmp/milk/dagster
RUN useradd --system --uid 10001 --no-create-home milk
COPY --from=build /opt/venv /opt/venv
COPY deploy/workspace.yaml /opt/milk/workspace.yaml
WORKDIR /opt/milk
# The root file system is mounted read-only; /tmp is the only writable folder. An empty volume inherits the permissions of this folder.
VOLUME ["/tmp"]
USER milk
ENTRYPOINT ["milk", "dagster-yaml", "exec"]
CMD ["dagster", "api", "grpc", "--module-name", "milk_assets.definitions", "--host", "0.0.0.0", "--port", "4000"]
