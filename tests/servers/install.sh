#!/usr/bin/env bash
# The servers that the tests start themselves, as packages of Debian and as Go programs, with the argument `versions` those
# of `make versions` too. Does nothing where they are installed.
set -euo pipefail

missing=()
[ -x /usr/lib/postgresql/15/bin/postgres ] || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
command -v mariadbd >/dev/null || [ -x /usr/sbin/mariadbd ] || missing+=(mariadb-server)
command -v javac >/dev/null || missing+=(default-jdk-headless)
command -v mvn >/dev/null || missing+=(maven)
[ -e /usr/include/gssapi/gssapi.h ] || missing+=(libkrb5-dev)
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
[ -x /usr/sbin/vsftpd ] || missing+=(vsftpd)
[ -x /usr/sbin/sshd ] || missing+=(openssh-server)

# Servers that are Go programs are built once. Go's own caches go again: they are ten times their size.
versitygw=v1.8.0
here=$(cd "$(dirname "$0")" && pwd)
servers=$here/../../.cache/servers
dolt=$here/versions/dolt
build() { # NAME DIRECTORY GO-COMMAND...
    local go name=$1 directory=$2 made=$servers/go.$$
    shift 2
    go=$(command -v go || echo /usr/local/go/bin/go)
    mkdir -p "$made"
    (cd "$directory" && GOPATH=$made GOCACHE=$made/build GOBIN=$made/bin CGO_ENABLED=0 "$go" "$@") >"$made/log" 2>&1 ||
        { cat "$made/log" >&2; exit 1; }
    mv "$made"/bin/* "$servers/$name"
    chmod -R u+w "$made" && rm -rf "$made"
}
programs() {
    [ -x "$servers/versitygw-$versitygw" ] || build "versitygw-$versitygw" "$here" \
        install -ldflags '-s -w' "github.com/versity/versitygw/cmd/versitygw@$versitygw"
    [ "${1:-}" != versions ] || { [ "$servers/dolt" -nt "$dolt/main.go" ] && [ "$servers/dolt" -nt "$dolt/go.mod" ]; } ||
        build dolt "$dolt" install -trimpath -ldflags '-s -w' .
}
[ -x "$servers/versitygw-$versitygw" ] || command -v go >/dev/null || [ -x /usr/local/go/bin/go ] || missing+=(golang-go)

[ ${#missing[@]} -eq 0 ] && { programs "$@"; exit 0; }
if ! command -v apt-get >/dev/null; then
    echo "The tests need: ${missing[*]}. Install them, or run: pytest --ignore=tests/servers" >&2
    exit 1
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
# Packages would start a service of their own, which nothing here needs.
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
"${as_root[@]}" apt-get -qq -o DPkg::Lock::Timeout=600 update
"${as_root[@]}" apt-get -qq -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "${missing[@]}" >/dev/null
programs "$@"
