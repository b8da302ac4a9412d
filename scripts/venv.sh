#!/bin/sh
# Make the virtual environment VENV with PYTHON, unless it is there and works. Usage: venv.sh VENV PYTHON
set -eu
venv=$1
python=$2
here=$(pwd -P)

if [ "$(cat "$venv/.home" 2>/dev/null)" = "$here" ] && "$venv/bin/python" -c '' 2>/dev/null; then
    exit 0
fi

stop() {
    echo "error: $1" >&2
    echo "       $2" >&2
    exit 1
}

version=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) ||
    stop "'$python' does not run." "Name a Python 3.11 or newer, for example: make run PYTHON=python3.12"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    stop "Python 3.11 or newer is needed; '$python' is Python $version." \
        "Name a newer one, for example: make run PYTHON=python3.12"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    stop "'$python' (Python $version) comes without venv or ensurepip." \
        "On Debian and Ubuntu they are the package python3-venv: apt install python3-venv"

echo "Making $venv with Python $version ..."
rm -rf "$venv"
"$python" -m venv "$venv"
printf '%s\n' "$here" >"$venv/.home"
