#!/bin/sh
# Builds the OpenTelemetry Collector of builder.yaml and prints the path of its binary.
#
#   build.sh          from the cache, or with the official builder: minutes once, nothing after that
#   build.sh --lock   after a change of builder.yaml: works out go.mod and go.sum anew
#
# Everything lives in ${XDG_CACHE_HOME:-~/.cache}/podtrace/collector, nothing in the clone. Go comes from PATH,
# or from Debian through this machine's own apt mirror. Exit code 77 and one line: it cannot be had here.
set -eu

builder_version=v0.155.0
go_needed=1.25

here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/podtrace/collector
key=$(cd "$here" && cat builder.yaml build.sh go.mod go.sum | sha256sum | cut -c1-16)
home=$cache/$key
log=$cache/build.log
debian_go=$cache/go

say() {
	echo "collector: $*" >&2
}

# Runs a step quietly; what it said is on file, and its end is shown if it failed.
step() { # COMMAND...
	if ! "$@" >>"$log" 2>&1; then
		tail -n 20 "$log" >&2
		return 1
	fi
}

skip() {
	say "skipped: $*"
	exit 77
}

version_at_least() { # HAVE WANTED
	[ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# Settings of the user's own Go (a go.work above, -mod=vendor in GOFLAGS) must not reach this build.
go_environment() {
	export GOMODCACHE="$cache/gomod" GOCACHE="$cache/gobuild" GOBIN="$cache/bin-$builder_version"
	export GOFLAGS="-mod=readonly -buildvcs=false -modcacherw" GOWORK=off GOTOOLCHAIN=auto CGO_ENABLED=0
	unset GOROOT GOOS GOARCH
}

# With GOTOOLCHAIN=auto an older Go fetches the toolchain that go.mod asks for, if its proxy has it.
usable() { # GO
	have=$(cd "$here" && "$1" env GOVERSION 2>/dev/null) || return 1
	version_at_least "${have#go}" "$go_needed"
}

# The archive that apt itself uses for Debian's main suite; apt reads both formats of its sources for us. Others may
# call a suite of theirs by Debian's names, but only Debian has "-updates".
debian_mirror() {
	# shellcheck disable=SC2016 # $(REPO_URI) and $(RELEASE) are apt's own variables
	apt-get indextargets -o APT::Get::IndexTargets::OnlyPresent=false --format '$(REPO_URI) $(RELEASE)' 2>/dev/null |
		awk '$2 ~ /^[a-z]+-updates$/ { best = $1; exit }
			$2 ~ /^(bookworm|trixie|forky|stable|testing|sid)$/ && !plain { plain = $1 }
			END { print best ? best : plain }'
}

# Debian's static Go of the testing suite runs on any older Debian. A private apt root leaves the machine's
# lists and locks alone and still uses its proxy and its keys, so the packages are verified as always.
fetch_debian_go() {
	mirror=$(debian_mirror)
	[ -n "$mirror" ] || return 1
	root=$cache/apt
	rm -rf "$root" "$debian_go.new"
	mkdir -p "$root/lists/partial" "$root/archives/partial" "$debian_go.new"
	: >"$root/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror testing main" >"$root/sources.list"
	cat >"$root/apt.conf" <<-EOF
		Dir::Etc::SourceList "$root/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$root/lists";
		Dir::State::status "$root/status";
		Dir::Cache "$root";
		Acquire::Languages "none";
		APT::Sandbox::User "root";
	EOF
	cd "$root"
	step env APT_CONFIG="$root/apt.conf" apt-get -q update || return 1
	newest=$(APT_CONFIG="$root/apt.conf" apt-cache search --names-only '^golang-1[.][0-9]+-go$' |
		cut -d ' ' -f 1 | sort -V | tail -n 1)
	step env APT_CONFIG="$root/apt.conf" apt-get -q download "$newest" "${newest%-go}-src" || return 1
	for deb in "$root"/*.deb; do
		dpkg-deb -x "$deb" "$debian_go.new" || return 1
	done
	cd /
	rm -rf "$root" "$debian_go"
	mv "$debian_go.new" "$debian_go"
}

find_go() {
	if command -v go >/dev/null && usable go; then
		return
	fi
	if ! ls "$debian_go"/usr/lib/go-*/bin/go >/dev/null 2>&1; then
		say "no Go $go_needed on PATH; fetching Debian's"
		fetch_debian_go || skip "no Go $go_needed on PATH, and none from Debian's mirror"
	fi
	PATH=$(echo "$debian_go"/usr/lib/go-*/bin):$PATH
	usable go || skip "Debian's Go is older than $go_needed and cannot fetch a newer toolchain"
}

find_builder() {
	[ -x "$GOBIN/builder" ] ||
		step nice go install "go.opentelemetry.io/collector/cmd/builder@$builder_version" ||
		skip "the collector's builder $builder_version cannot be fetched or built"
}

fresh_work() {
	work=$home.new
	rm -rf "$work"
	mkdir -p "$work/source"
	cd "$work"
}

# The builder's own module step (go mod tidy) wants the modules of its components' tests too, which not
# every proxy has. So it leaves go.mod to us here, and builds with the locked one of this folder.
build() {
	fresh_work
	cp "$here/go.mod" "$here/go.sum" source/
	step "$GOBIN/builder" --config "$here/builder.yaml" --skip-get-modules --skip-compilation
	step go list -C source -deps . || skip "the collector's Go modules cannot be fetched"
	step nice "$GOBIN/builder" --config "$here/builder.yaml" --skip-generate --skip-get-modules
	mkdir -p "$home"
	mv source/otelcol "$home/otelcol"
	rm -rf "$work"
}

# GOPROXY=off ends the builder right after it wrote go.mod, before the tidy spoken of above.
lock() {
	fresh_work
	GOPROXY=off "$GOBIN/builder" --config "$here/builder.yaml" --skip-compilation >>"$log" 2>&1 || true
	step go list -C source -mod=mod -deps .
	cp source/go.mod source/go.sum "$here/"
	rm -rf "$work"
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9 # two test runs at once: the second waits and finds the binary

: >"$log"
go_environment
if [ "${1-}" = --lock ]; then
	find_go
	find_builder
	lock
	exit
fi
if [ ! -x "$home/otelcol" ]; then
	say "building $key (minutes, once); the log is $log"
	begin=$(date +%s)
	find_go
	find_builder
	build
	say "built in $(($(date +%s) - begin)) s"
fi
echo "$home/otelcol"
