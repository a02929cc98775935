#!/bin/sh
# Collects the licence texts of everything that is linked into the binary, one folder per package.
#
#   third_party/licenses.sh DIR
#
# Debian's copyright file names every author and licence; upstream's own texts come with it because Debian's file
# refers to /usr/share/common-licenses, which an image from scratch does not have.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

die() {
	echo "licenses.sh: $*" >&2
	exit 1
}

collect() { # FILE DIR
	tmp=$(mktemp -d)
	case $1 in
	*.debian.tar.*) tar -xf "$1" -C "$tmp" --strip-components=1 debian/copyright ;;
	*.orig.tar.*) # only the top folder: the rest covers tools and tests that we do not build
		tar -xf "$1" -C "$tmp" --strip-components=1 --no-recursion --wildcards --no-wildcards-match-slash \
			'*/COPYING*' '*/LICENSE*' '*/COPYRIGHT*' 2>/dev/null || true ;;
	*.deb) dpkg-deb --fsys-tarfile "$1" | tar -x -C "$tmp" --strip-components=5 --wildcards './usr/share/doc/*/copyright' ;;
	esac
	# The one text that is in no package of ours but on every Debian host.
	! grep -qs common-licenses/Apache-2.0 "$tmp/copyright" || cp /usr/share/common-licenses/Apache-2.0 "$tmp/LICENSE"
	mkdir -p "$2"
	find "$tmp" -type f -exec install -m 644 {} "$2/" \;
	rm -rf "$tmp"
}

main() {
	[ $# -eq 1 ] || die "usage: third_party/licenses.sh DIR"
	sources=$("$here/fetch.sh")
	grep -v -e '^#' -e '^$' "$here/sources.lock" | while read -r package _ _ path _; do
		collect "$sources/${path##*/}" "$1/$package"
	done
	for dir in "$1"/*/; do
		[ -n "$(ls -A "$dir")" ] || die "no licence text found for $(basename "$dir")"
	done
}

main "$@"
