# Every target makes the environment it needs. `make` alone lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
QUICKSTART := .cache/quickstart
LINEITEM := $(QUICKSTART)/lineitem.csv

define SHOW
import sqlite3, sys
query = "SELECT l_returnflag, l_linestatus, count(*), sum(l_quantity) FROM lineitem GROUP BY 1, 2 ORDER BY 1, 2"
print("", query, sep="\n")
for row in sqlite3.connect(sys.argv[1]).execute(query):
    print(*row, sep="\t")
endef
export SHOW

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: servers versions oldest audit faults soak fidelity help quickstart test test-fast check format docs bench clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

quickstart: $(VENV)/.ready-bench $(LINEITEM)  ## move 120,000 rows of TPC-H lineitem from a CSV file into a SQLite database
	$(BIN)/starhaul run jobs/csv_to_sqlite.yaml -D DATA=$(LINEITEM) -D DATABASE=$(QUICKSTART)/lineitem.db
	@$(BIN)/python -c "$$SHOW" $(QUICKSTART)/lineitem.db

# Three parts side by side, as tests of servers wait more than they compute: stores of files, what needs no server or few,
# and the rest, which is shown; what the others say comes when it is over.
FILES := $(wildcard $(foreach room,conformance faults servers,$(addprefix tests/$(room)/test_,hbase*.py hdfs*.py hive*.py)) \
	$(addprefix tests/conformance/test_,columnar*.py local*.py s3*.py txtfile*.py))
UNITS := tests/unit tests/jobs tests/fleet tests/packaging \
	$(wildcard $(addprefix tests/servers/test_,mysql_moments*.py mysql_reader*.py mysql_slices*.py mysql_tls*.py \
	mysql_writer*.py oceanbase*.py rdbms*.py)) \
	$(wildcard $(addprefix tests/conformance/test_,mysql*.py oceanbase*.py sqlite*.py stream*.py transformers*.py))
SAID := .cache/tests
test: $(VENV)/.ready-dev  ## run all tests
	@mkdir -p .cache
	@echo "Two other parts of the tests run beside those that are shown; what they say comes last ($(SAID)-*.txt)."
	@$(BIN)/python -m pytest -p no:cacheprovider $(FILES) >$(SAID)-files.txt 2>&1 & files=$$!; \
	$(BIN)/python -m pytest -p no:cacheprovider $(UNITS) >$(SAID)-units.txt 2>&1 & units=$$!; \
	$(BIN)/python -m pytest tests $(addprefix --ignore=,$(FILES) $(UNITS)); here=$$?; \
	wait $$files; files=$$?; wait $$units; units=$$?; \
	cat $(SAID)-files.txt $(SAID)-units.txt; exit $$((here || files || units))

test-fast: $(VENV)/.ready-dev  ## run the tests that take no more than seconds
	$(BIN)/python -m pytest -m "not slow"

check: $(VENV)/.ready-dev  ## lint, formatting, types, generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --recursive --severity-level medium --configfile pyproject.toml core plugins
	$(BIN)/python -m starhaul.docgen --check

audit: $(VENV)/.ready-dev  ## look for known vulnerabilities of the dependencies (needs an index that serves them)
	$(BIN)/pip install --quiet --disable-pip-version-check pip-audit
	$(BIN)/pip-audit --skip-editable --strict

format: $(VENV)/.ready-dev  ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.ready-dev  ## write the generated documentation
	$(BIN)/python -m starhaul.docgen

EVERY ?= 1
faults: $(VENV)/.ready-dev servers  ## kill runs, connections and servers at every point (EVERY=3: a third); writes docs/guarantees.md
	STARHAUL_FAULTS=all STARHAUL_FAULTS_EVERY=$(EVERY) $(BIN)/python -m pytest tests/faults \
		tests/unit/stores/files/test_file_reader.py --deselect tests/faults/test_guarantees.py
	$(BIN)/python -m tests.faults.page

SECONDS ?= 600
soak: $(VENV)/.ready-dev servers  ## run mixed jobs under faults for SECONDS; fails if memory, connections or leftovers grow
	$(BIN)/python -m tests.faults.soak $(SECONDS)

fidelity: $(VENV)/.ready-dev servers  ## move every type between real servers; writes docs/fidelity.md
	$(BIN)/python -m tests.fidelity.page

versions: $(VENV)/.ready-dev servers  ## test against MariaDB 11.4, MySQL 5.5, PostgreSQL 18 and MySQL 8's login (needs Maven and Go)
	@tests/servers/install.sh versions
	$(BIN)/python -m pytest $(filter-out %/conftest.py,$(wildcard tests/versions/*.py))

# What needs no other server than MySQL's and PostgreSQL's, in an environment of its own. Left out is what only newer
# versions do: the generated docs are those of the newest pydantic, and SQLAlchemy before 2.1.2 fails at columns of SQLite
# with names like `%(x)s`.
OLDEST := .venv-oldest
UNLIKE := docgen or (rdbms and TestSqlite and hostile)
oldest: servers $(OLDEST)/.ready  ## test with the oldest version of every dependency that pyproject.toml allows
	$(OLDEST)/bin/python -m pytest -p no:cacheprovider -k 'not ($(UNLIKE))' tests/unit tests/jobs tests/packaging \
		$(wildcard $(addprefix tests/conformance/test_,columnar_files.py local_place.py mysql.py postgresql.py rdbms.py \
		sqlite.py stream.py transformers.py txtfile.py))

$(OLDEST)/.ready: pyproject.toml tests/oldest.py
	$(PYTHON) -m venv --clear $(OLDEST)
	$(PYTHON) tests/oldest.py >$(OLDEST)/constraints.txt
	$(OLDEST)/bin/pip install --quiet --disable-pip-version-check --constraint $(OLDEST)/constraints.txt -e '.[dev]'
	@touch $@

bench: $(VENV)/.ready-bench  ## measure speed and memory; writes docs/benchmarks.md (needs the sqlite3 command)
	$(BIN)/python -m bench.run

# The servers that the tests start themselves.
test test-fast: servers
servers:
	@tests/servers/install.sh

clean:  ## remove everything that make made, the environment included
	rm -rf $(VENV) $(OLDEST) .cache build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# An environment with an extra of pyproject.toml: `dev` for work on the code, `bench` to run and to measure.
$(VENV)/.ready-%: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed: make PYTHON=python3.11 ..."; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV) || { echo "On Debian: apt install python3-venv"; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[$*]'
	@touch $@

$(LINEITEM): | $(VENV)/.ready-bench
	@mkdir -p $(@D)
	$(BIN)/tpchgen-cli csv --scale-factor 0.02 --tables lineitem --output-dir $(@D) --overwrite
