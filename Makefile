# Everything that a developer or an operator of one machine needs. README.md says what each command does.
# A Python built without profile-guided optimisation, as pyenv builds it unless told, takes a quarter longer for a page: where `python3` is
# such a one, .venv is made with the distribution's, if that will do. `make PYTHON=...` decides otherwise.
QUICK := import ensurepip, sys, sysconfig; built = sysconfig.get_config_var("CONFIG_ARGS") or ""; \
	sys.exit(sys.version_info < (3, 11) or not ("--enable-optimizations" in built or sys.executable.startswith("/usr/bin/")))
PYTHON ?= $(shell for python in python3 /usr/bin/python3; do $$python -c '$(QUICK)' 2>/dev/null && echo $$python && exit; done; echo python3)
ARGS ?=
N ?= 100000
BIN := .venv/bin
INSTALLED := .venv/.installed
MESSAGES := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/*.po))
PRODUCTION := DEBUG=0 DEMO=0 SECRET_KEY=not-a-secret-only-long-enough-for-the-checks-0123456789-ABCDEFGHIJKLMNOPQ \
	ALLOWED_HOSTS=crm.example.com BASE_URL=https://crm.example.com TRUSTED_PROXY_COUNT=1 \
	DATABASE_URL=postgres://crm@127.0.0.1:1/crm REDIS_URL=redis://127.0.0.1:1/0 PYTHONWARNINGS=ignore

.DEFAULT_GOAL := run
.DELETE_ON_ERROR:
.PHONY: run test test-long bench lint format messages requirements browser

run: $(INSTALLED) $(MESSAGES)
	@CRM_DIE_WITH_PARENT=1 exec $(BIN)/python -m crm.local

$(INSTALLED): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv \
		|| { echo "Python's venv module is missing: on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }
	@echo "installing the packages"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --prefer-binary -r requirements-dev.txt
	@touch $@

# Babel compiles them, so that no gettext is needed on the machine.
%.mo: %.po $(INSTALLED)
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@
	@test -e $@ || { echo "$<: the head of the file is marked fuzzy, remove that line"; exit 1; }

test: $(INSTALLED) $(MESSAGES) browser
	@exec $(BIN)/python -m pytest -q -n 4 --dist loadgroup -m "not long" $(ARGS)

test-long: $(INSTALLED) $(MESSAGES) browser
	@exec $(BIN)/python -m pytest -q -m long -o faulthandler_timeout=3600 $(ARGS)

browser: $(INSTALLED)
	@.ci/chromium

bench: $(INSTALLED) $(MESSAGES)
	@exec $(BIN)/python -m bench --contacts $(N) $(ARGS)

lint: $(INSTALLED) $(MESSAGES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(PRODUCTION) $(BIN)/python manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(BIN)/python manage.py check_templates
	$(BIN)/python frontend/check_vendor.py

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Takes up new texts; translate them in locale/de/LC_MESSAGES/django.po. Reading the texts needs GNU gettext.
messages: $(INSTALLED)
	@command -v xgettext >/dev/null || { echo "xgettext is missing: on Debian and Ubuntu, apt-get install gettext"; exit 1; }
	@mkdir -p locale
	$(PRODUCTION) $(BIN)/python manage.py makemessages --locale de --no-wrap --no-obsolete --add-location file --ignore '.venv/*' --ignore 'frontend/*' --ignore 'staticfiles/*' --ignore 'tests/*'
	@$(MAKE) --no-print-directory locale/de/LC_MESSAGES/django.mo

# Newest versions that fit requirements*.in, each resolved in an environment of its own and written down.
requirements:
	@for name in requirements requirements-dev; do \
		echo "resolving $$name.in"; \
		directory=$$(mktemp -d) && sed 's/^-r requirements.txt/-r requirements.in/' $$name.in > $$directory/$$name.in && cp requirements.in $$directory/ \
		&& $(PYTHON) -m venv $$directory/venv && $$directory/venv/bin/pip install --quiet --disable-pip-version-check --prefer-binary -r $$directory/$$name.in \
		&& $$directory/venv/bin/pip freeze --disable-pip-version-check --exclude pip --exclude setuptools --exclude wheel | tr 'A-Z_' 'a-z-' > $$name.txt && rm -rf $$directory || exit 1; \
	done
