#!/bin/sh
# Installs the Debian packages that a build or a test run needs, and only those that are missing.
#
#   third_party/install-packages.sh [build] [amd64] [arm64] [test]     default: build
#
# Debian 12 and 13, without questions. When nothing is missing it does nothing and needs no root.
set -eu

# protobuf-compiler runs protobuf-c-compiler's plugin; both read the .proto files only at build time.
# clang is pinned to 19, the newest that both releases have: one compiler for the BPF side everywhere.
build='gcc libc6-dev linux-libc-dev make clang-19 bpftool protobuf-compiler protobuf-c-compiler
	dpkg-dev patch xz-utils bzip2 file git python3 util-linux ca-certificates'

# For the architecture that this machine is not.
amd64='gcc-x86-64-linux-gnu linux-libc-dev-amd64-cross'
arm64='gcc-aarch64-linux-gnu linux-libc-dev-arm64-cross'

# clang's runtimes and llvm's symbolizer are for the sanitizers and libFuzzer; gRPC for Python is how tests/cri asks
# a real container runtime for pods, and runc links libseccomp. lz4 and zstd unpack kernels (make btf). The databases
# are servers and clients of tests/e2e; PostgreSQL's package would start one at once if a service manager runs.
test='libcmocka-dev libclang-rt-19-dev llvm-19 libcurl4-openssl-dev libnghttp2-dev libbearssl-dev
	libprotobuf-c-dev
	libelf-dev zlib1g-dev clang-format-19 shellcheck curl jq iproute2 procps libcap2-bin openssl
	mandoc bind9-dnsutils dnsmasq-base python3-yaml python3-grpcio python3-protobuf libseccomp2 lz4 zstd qemu-system-x86 qemu-system-arm secilc
	postgresql libpq-dev mariadb-server-core libmariadb-dev'

die() {
	echo "install-packages.sh: $*" >&2
	exit 1
}

wanted_set() { # NAME
	case $1 in
	build) echo "$build" ;;
	# The native compiler is in "build".
	"$(dpkg --print-architecture)") ;;
	amd64) echo "$amd64" ;;
	arm64) echo "$arm64" ;;
	test) echo "$test" ;;
	*) die "no set '$1'; there are: build amd64 arm64 test" ;;
	esac
}

missing() { # PACKAGES...
	for package in "$@"; do
		# shellcheck disable=SC2016 # ${db:Status-Status} is dpkg-query's own variable
		status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
		[ "$status" = installed ] || echo "$package"
	done
}

apt() {
	# Another apt may be at work on this machine; wait for it instead of failing.
	DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=600 -o APT::Get::Lock::Timeout=600 "$@"
}

main() {
	[ $# -gt 0 ] || set -- build
	command -v dpkg-query >/dev/null || die "this is no Debian; install the packages that this file lists by your own means"
	wanted=
	for set_name in "$@"; do
		wanted="$wanted $(wanted_set "$set_name")"
	done
	# shellcheck disable=SC2086 # a list of names
	needed=$(missing $wanted)
	[ -n "$needed" ] || exit 0
	# shellcheck disable=SC2086
	set -- $needed
	[ "$(id -u)" -eq 0 ] || die "$# packages are missing and only root can install them; run: sudo apt-get install $*"
	echo "  APT $*"
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	# One unreachable third-party archive fails the update though Debian's lists came; the install decides.
	apt update >"$log" 2>&1 || true
	apt install -y --no-install-recommends "$@" >>"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "apt could not install: $*; the lines above say why"
	}
}

main "$@"
