#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Writes an OCI image archive from scratch: the binary, CA certificates, licences. No container engine, no network.
#
#   images/oci.sh BINARY ARCH VERSION OUT.tar         ARCH: amd64 or arm64; VERSION is the tag as well
#
# The same input gives the same bytes. From the environment:
#   SOURCE_DATE_EPOCH   the only time in the archive; default: that of the last commit
#   IMAGE_NAME          name before the tag, for `ctr images import`; default localhost/podtrace
#   IMAGE_SOURCE        URL for org.opencontainers.image.source; default: no such label
#   IMAGE_RELEASE       the label "release": counts builds of one VERSION; default 1
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
certificates=/usr/share/ca-certificates/mozilla # of the package ca-certificates

die() {
	echo "oci.sh: $*" >&2
	exit 1
}

# ---- what is asked for -----------------------------------------------------------------------

check_arguments() {
	local machine
	case $arch in
	amd64) machine=62 ;;
	arm64) machine=183 ;;
	*) die "no image for \"$arch\": ARCH is amd64 or arm64" ;;
	esac
	[ -f "$binary" ] || die "no binary at $binary: run \"make ARCH=$arch\" first"
	[ "$(od -An -tx1 -N4 "$binary" | tr -d ' ')" = 7f454c46 ] || die "$binary is no ELF file: give what make built"
	[ "$(od -An -tu2 -j18 -N2 "$binary" | tr -d ' ')" = "$machine" ] ||
		die "$binary is not for $arch: run \"make ARCH=$arch\" and give build/$arch/podtrace"
	[[ $version =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] ||
		die "version \"$version\" is no tag: up to 128 of A-Z a-z 0-9 _ . - and not . or - first"
	[[ $epoch =~ ^[0-9]+$ ]] || die "SOURCE_DATE_EPOCH is \"$epoch\": it must be seconds since 1970"
}

# ---- the files of the layer ------------------------------------------------------------------

# The package's own certificates: the host's bundle can hold authorities that only this host trusts.
add_certificates() {
	local bundle=$rootfs/etc/ssl/certs/ca-certificates.crt
	compgen -G "$certificates/*.crt" >/dev/null ||
		die "no certificates in $certificates: install the package ca-certificates"
	mkdir -p "$(dirname "$bundle")"
	awk 1 "$certificates"/*.crt >"$bundle" # ends each file's last line
}

rows() { # FILE
	grep -v -e '^#' -e '^$' "$1"
}

text_of() { # COMPONENT TEXT
	case $1 in
	podtrace)
		if [ -f "$root/LICENSE" ]; then
			echo "$root/LICENSE"
		else
			echo "$collected/opentelemetry-proto/LICENSE"
		fi
		;;
	ca-certificates) echo /usr/share/doc/ca-certificates/copyright ;;
	*) echo "$collected/$1/$2" ;;
	esac
}

version_of() { # COMPONENT
	case $1 in
	podtrace) echo "$version" ;;
	ca-certificates) dpkg-query -W -f '${Version}' ca-certificates ;;
	*) rows "$root/third_party/sources.lock" | awk -v p="$1" '$1 == p { print $2; exit }' ;;
	esac
}

add_texts() { # COMPONENT TEXTS
	local text from
	mkdir -p "$rootfs/licenses/$1"
	for text in $2; do
		[[ $text != */* ]] || continue
		from=$(text_of "$1" "$text")
		[ -s "$from" ] || die "no licence text $from: correct the row of $1 in images/licenses.def"
		install -m 644 "$from" "$rootfs/licenses/$1/$text"
	done
}

add_licenses() {
	local component spdx texts
	"$root/third_party/licenses.sh" "$collected"
	comm -3 <(rows "$root/third_party/sources.lock" | awk '{ print $1 }' | sort -u) \
		<(rows "$here/licenses.def" | awk '{ print $1 }' | grep -vx -e podtrace -e ca-certificates | sort) >"$work/differ"
	[ ! -s "$work/differ" ] ||
		die "images/licenses.def and third_party/sources.lock differ in $(xargs <"$work/differ"): give each package its row"
	mkdir "$rootfs/licenses"
	rows "$here/licenses.def" | while read -r component spdx texts; do
		add_texts "$component" "$texts"
		printf '%-20s  %-27s  %-17s  %s\n' "$component" "$(version_of "$component")" "$spdx" "$texts"
	done | cat "$here/licenses.head" - >"$rootfs/licenses/README"
}

spdx_of_all() {
	rows "$here/licenses.def" | awk '{ print $2 }' | sort -u | sed ':a; N; $!ba; s/\n/ AND /g'
}

# ---- the archive -----------------------------------------------------------------------------

pack() { # DIR: sorted, of nobody in particular, one time
	(cd "$1" && tar --create --format=ustar --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner \
		--mode=u=rwX,go=rX -- *)
}

main() {
	[ $# -eq 4 ] || die "usage: images/oci.sh BINARY amd64|arm64 VERSION OUT.tar"
	binary=$1 arch=$2 version=$3 out=$4
	epoch=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || echo 0)}
	check_arguments
	umask 022
	work=$(mktemp -d)
	trap 'rm -rf "$work" "$out.new"' EXIT
	rootfs=$work/rootfs collected=$work/collected
	mkdir "$rootfs" "$work/oci"
	install -m 755 "$binary" "$rootfs/podtrace"
	add_certificates
	add_licenses
	pack "$rootfs" >"$work/layer.tar"
	gzip -9n <"$work/layer.tar" >"$work/layer.tar.gz"
	ARCH=$arch VERSION=$version EPOCH=$epoch LICENSES=$(spdx_of_all) \
		REVISION=$(git -C "$root" rev-parse HEAD 2>/dev/null || true) \
		python3 -B "$here/oci_layout.py" "$work/layer.tar" "$work/layer.tar.gz" "$work/oci"
	pack "$work/oci" >"$out.new" || die "cannot write $out: see the line above"
	mv "$out.new" "$out"
}

main "$@"
