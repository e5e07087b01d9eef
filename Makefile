# A fresh machine needs Python 3.11 or newer and nothing else: `make demo`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
COMPILE := $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url \
	--no-emit-find-links --no-emit-options --resolver backtracking
PROCESSES ?= 2
SPARKS ?= 3.5 4.1
# Of 4.1 that the tables are the same; ON_SPARK_4.1="$(ON_SPARK_3.5)" runs all on it too.
ON_SPARK_3.5 ?= tests/engines/test_engines_agree.py tests/engines/test_spark.py
ON_SPARK_4.1 ?= tests/engines/test_engines_agree.py
OF_PRODUCT := --build-deps-for editable

.PHONY: help demo site test test-airflow test-aws test-spark test-browser features check check-deploy format lock editor bench soak release clean

help: ## this list, from the words behind each target
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/run ## the product, on this machine, in half a minute
	$(BIN)/planlake demo

test: $(VENV)/dev ## every test
	$(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile

test-aws: $(VENV)/dev $(VENV)-aws/done ## the product on Glue and S3, as moto and SeaweedFS stand in for them on this machine
	PYTHONPATH=$(CURDIR)/src:$(CURDIR)/$(VENV)-aws $(BIN)/python -m pytest tests/aws

test-spark: $(SPARKS:%=.spark-%) ## the engine spark on PySpark 3.5 and 4.1; SPARKS=3.5 for one, -j2 side by side; needs Java

test-airflow: $(VENV)/dev $(VENV)-airflow/done ## the DAGs of deploy/airflow in a real Airflow 3, which lies in an environment of its own
	PLANLAKE_TEST_AIRFLOW=$(CURDIR)/$(VENV)-airflow/bin/python $(BIN)/python -m pytest tests/dags/test_in_airflow.py

test-browser: $(VENV)/dev ## the pages in a browser: apt-get install chromium chromium-driver; `make test` has these too
	PLANLAKE_TEST_BROWSER=required $(BIN)/python -m pytest tests/browser

.PRECIOUS: $(VENV)-spark/%/done
.spark-%: $(VENV)/dev $(VENV)-spark/%/done
	PYTHONPATH=$(CURDIR)/src:$(CURDIR)/$(VENV)-spark/$* $(BIN)/python -m pytest $(ON_SPARK_$*)
	test ! -d $(VENV)-spark/$*/snowpark_connect_deps_iceberg || \
		PYTHONPATH=$(CURDIR)/src:$(CURDIR)/$(VENV)-spark/$* $(BIN)/python -m pytest tests/engines/test_spark_reads.py

check-deploy: $(VENV)-deploy/done ## checkov's rules on deploy/terraform; takes a minute, the first time three
	$(VENV)-deploy/bin/checkov --directory deploy/terraform --config-file deploy/terraform/.checkov.yaml --framework terraform \
		--skip-download --compact --quiet

features: $(VENV)/dev ## the playbook as scenarios, with a page for those who read no code: build/features.html
	mkdir -p build && rm -f build/features.json
	$(BIN)/python -m pytest tests/features --ignore tests/features/test_breaking.py --cucumber-json build/features.json; \
	ended=$$?; $(BIN)/python scripts/build_features.py tests/features build/features.json build/features.html && exit $$ended

site: $(VENV)-site/done ## the documentation as a site, build/site; stops at a link that leads nowhere
	NO_MKDOCS_2_WARNING=1 $(VENV)-site/bin/mkdocs build --strict --quiet

check: $(VENV)/dev ## formatting, lint, types, and that the generated docs are current
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python scripts/build_docs.py --check

format: $(VENV)/dev ## formats the code and writes the generated docs anew
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python scripts/build_docs.py

# All systems, full size: about an hour, most of it Spark's and PyAirbyte's. BENCH="--only planlake,floor --scale 0.05" is a minute.
bench: $(VENV)/dev $(VENV)-bench/done $(VENV)-bench-airbyte/done $(VENV)-bench-singer/done ## the measurements of benchmarks/, an hour; BENCH=... takes its options
	$(BIN)/python benchmarks/run.py $(BENCH)

soak: $(VENV)/dev $(VENV)-aws/done ## the tests that take long, in full: what each does more is in tests/README.md
	PLANLAKE_SOAK=1 PYTHONPATH=$(CURDIR)/src:$(CURDIR)/$(VENV)-aws $(BIN)/python -m pytest tests/aws/test_writers.py tests/browser/test_ask.py tests/browser/test_report.py tests/browser/test_ui.py \
		tests/flow/ingest/test_interruptions.py tests/flow/ingest/test_resuming.py tests/flow/ingest/test_faults.py tests/flow/ingest/test_faults_at_recount.py \
		tests/flow/ingest/test_moving_sets.py tests/flow/ingest/test_pages_not_asked_for.py tests/flow/ingest/test_audit.py \
		tests/flow/test_moving_pages.py tests/flow/test_random_histories.py tests/changes/test_undoing_in_any_order.py \
		tests/changes/test_retyping_in_any_order.py tests/flow/refine/test_names.py tests/flow/trust/test_killed_runs.py tests/cli/report/test_attacks.py \
		tests/flow/refine/test_any_body.py tests/flow/refine/test_planted_faults.py tests/lake/test_damage.py

lock: $(VENV)/dev ## renews the lock files, with hashes
	$(COMPILE) $(OF_PRODUCT) --upgrade --output-file requirements.lock pyproject.toml
	$(COMPILE) $(OF_PRODUCT) --upgrade --extra dev --extra aws --output-file requirements-dev.lock pyproject.toml
	$(COMPILE) $(OF_PRODUCT) --extra aws --constraint requirements-dev.lock --output-file deploy/requirements.lock pyproject.toml
	$(COMPILE) --upgrade --output-file tests/deploy/requirements.lock tests/deploy/requirements.in
	$(COMPILE) --upgrade --output-file tests/aws/requirements.lock tests/aws/requirements.in
	$(COMPILE) --upgrade --output-file tests/dags/requirements.lock tests/dags/requirements.in
	for version in $(SPARKS); do \
		$(COMPILE) --upgrade --output-file tests/engines/spark/$$version.lock tests/engines/spark/$$version.in || exit 1; done
	for name in requirements singer; do \
		$(COMPILE) --upgrade --output-file benchmarks/$$name.lock benchmarks/$$name.in || exit 1; done
	$(COMPILE) --no-strip-extras --upgrade --output-file benchmarks/airbyte.lock benchmarks/airbyte.in  # pip wants its extras pinned
	$(COMPILE) --upgrade --output-file scripts/site.lock scripts/site.in

editor: ## CodeMirror of `planlake ui`, built from scripts/editor/package-lock.json; needs npm
	cd scripts/editor && npm ci --ignore-scripts --no-audit --no-fund && node build.mjs

release: $(VENV)/dev ## VERSION=x.y.z: builds, installs, tries, commits and tags it; pushes nothing
	$(BIN)/python scripts/release.py "$(VERSION)"

clean: ## takes away what was installed and made: .venv, demo-lake, build
	rm -rf $(VENV) $(VENV)-airflow $(VENV)-aws $(VENV)-bench $(VENV)-bench-* $(VENV)-deploy $(VENV)-site $(VENV)-spark demo-lake build

$(VENV)/run: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/dev: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	touch $@

$(VENV)-aws/done: tests/aws/requirements.lock $(VENV)/dev
	rm -rf $(VENV)-aws
	$(PIP) install --quiet --require-hashes --target $(VENV)-aws -r $<
	touch $@

$(VENV)-airflow/done: tests/dags/requirements.lock
	$(PYTHON) -m venv $(VENV)-airflow
	$(VENV)-airflow/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	touch $@

# Each PySpark lies in a folder of its own: it has half a gigabyte, and no other test wants it.
$(VENV)-spark/%/done: tests/engines/spark/%.lock $(VENV)/dev
	rm -rf $(dir $@)
	$(PIP) install --quiet --require-hashes --target $(dir $@) -r $<
	touch $@

$(VENV)-site/done: scripts/site.lock
	$(PYTHON) -m venv $(VENV)-site
	$(VENV)-site/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	touch $@

$(VENV)-deploy/done: tests/deploy/requirements.lock
	$(PYTHON) -m venv $(VENV)-deploy
	$(VENV)-deploy/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	touch $@

$(VENV)-bench/done: benchmarks/requirements.lock
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	touch $@

# PyAirbyte and the Singer tap pin what dlt pins otherwise.
$(VENV)-bench-%/done: benchmarks/%.lock
	$(PYTHON) -m venv $(dir $@)
	$(dir $@)bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	touch $@
