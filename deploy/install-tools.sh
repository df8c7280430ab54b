#!/usr/bin/env bash
# Builds the tools that the tests of chart, manifests and HTTP/2 use, from pinned Go modules, into $WEIR_TOOLS/bin
# (default ~/.cache/weir-tools/bin, outside the checkout). What is there in the right version stays as it is.
#
#   deploy/install-tools.sh [NAME…]      without names: all
#   deploy/install-tools.sh --folder     says where they are, builds nothing
set -euo pipefail

tools=${WEIR_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/weir-tools}
if [ "${1-}" = --folder ]; then
  echo "$tools/bin"
  exit 0
fi

# name  module  version  package (relative to the module)
list() {
  cat <<'END'
helm           helm.sh/helm/v3                          v3.22.0  cmd/helm
helm-unittest  github.com/helm-unittest/helm-unittest   v1.1.2   cmd/helm-unittest
kubeconform    github.com/yannh/kubeconform             v0.8.0   cmd/kubeconform
kustomize      sigs.k8s.io/kustomize/kustomize/v5       v5.7.1   .
hclfmt         github.com/hashicorp/hcl/v2              v2.24.0  cmd/hclfmt
h2spec         github.com/summerwind/h2spec             v2.2.1+incompatible  cmd/h2spec
END
}

if ! command -v go >/dev/null; then
  echo "missing: go 1.25 or newer (https://go.dev/dl)" >&2
  exit 1
fi
mkdir -p "$tools/bin"
while read -r name module version package; do
  if [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; then continue; fi
  stamp="$tools/bin/.$name-$version"
  if [ -e "$stamp" ] && [ -x "$tools/bin/$name" ]; then continue; fi
  echo "builds $name $version"
  # From before there were modules: it has no go.mod to build in.
  if [[ $version == *+incompatible ]]; then
    (cd / && GOBIN="$tools/bin" go install -trimpath "$module/$package@$version")
    touch "$stamp"
    continue
  fi
  # In the module's own folder: `go install` refuses modules with replace directives, as helm-unittest has.
  folder=$(cd / && go mod download -json "$module@$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  (cd "$folder" && go build -trimpath -o "$tools/bin/$name.part" "./$package")
  mv "$tools/bin/$name.part" "$tools/bin/$name"
  rm -f "$tools/bin/.$name-"*
  touch "$stamp"
done < <(list)
