#!/usr/bin/env bash
# Builds kube-apiserver and kubectl from the pinned module in apiserver/ and prints the folder that holds them.
# They live outside the checkout ($WEIR_TOOLS, default ~/.cache/weir-tools), in a folder named after go.sum: a build that is
# there is not repeated, another version gets another folder.
#
#   test/cluster/build.sh            builds what is missing (about 3 minutes on 2 cores)
#   test/cluster/build.sh --folder   says where they are, builds nothing
set -euo pipefail
cd "$(dirname "$0")/apiserver"

tools=${WEIR_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-tools}
folder="$tools/kubernetes-$(sha256sum go.mod go.sum | sha256sum | cut -c1-12)"
if [ "${1-}" != --folder ]; then
  version=$(awk '$1 == "k8s.io/kubernetes" { print $2 }' go.mod)
  mkdir -p "$folder"
  for name in kube-apiserver kubectl; do
    if [ -x "$folder/$name" ]; then continue; fi
    # The version is what `kubectl version` reads; a build without it answers v0.0.0, which clients cannot compare.
    CGO_ENABLED=0 go build -trimpath -o "$folder/$name.part" \
      -ldflags="-s -w -X k8s.io/component-base/version.gitVersion=$version" "k8s.io/kubernetes/cmd/$name" >&2
    mv "$folder/$name.part" "$folder/$name"
  done
fi
echo "$folder"
