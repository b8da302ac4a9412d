#!/bin/sh
# Resolve pyproject.toml into requirements/*.lock for every supported Python and system. Usage: relock.sh UV [--upgrade]
# Called by `make relock`. What is locked stays as it is where it still fits, unless --upgrade is given.
set -eu
uv=$1
shift

resolve() {
    output=requirements/$1.lock
    shift
    # --no-config and the unset variables: no index or folder of one machine gets a say.
    env -u UV_FIND_LINKS -u UV_INDEX -u UV_EXTRA_INDEX_URL -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL \
        "$uv" --no-config pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make relock" \
        --output-file "$output" "$@"
    if grep -nE '://|--index|--find-links|file:|^-e| @ ' "$output"; then
        echo "error: $output names a place instead of a version and its hashes" >&2
        exit 1
    fi
}

resolve run "$@" pyproject.toml
resolve build "$@" --group build --constraint requirements/run.lock
resolve dev "$@" pyproject.toml --group dev --constraint requirements/run.lock --constraint requirements/build.lock
resolve bench "$@" pyproject.toml --group bench --constraint requirements/dev.lock
