#!/bin/sh
# Fetches the files of a lock file, sources.lock if none is named, and prints the folder that holds them.
#
#   third_party/fetch.sh [LOCK]              through this machine's own apt mirror, into the cache
#   SOURCES=dir third_party/fetch.sh [LOCK]  from a folder the user gives (no network)
#
# Environment: DEBIAN_MIRROR and DEBIAN_SECURITY_MIRROR override what apt's sources say; LOCK names another list than
# sources.lock.
#
# apt-helper does the transfers: it uses the machine's proxy, credentials and certificates from apt's own
# configuration, takes no lock, and touches neither apt's lists nor its cache. So a bookworm host can read a
# trixie or forky file, an expired or unsigned index does not matter, and one missing file spoils no other.
# No signature is checked on the way, and none is needed: each file must match the SHA-256 we committed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
lock=${1:-$here/sources.lock}
apt_helper=/usr/lib/apt/apt-helper

die() {
	echo "fetch.sh: $*" >&2
	exit 1
}

rows() {
	grep -v -e '^#' -e '^$' "$lock"
}

matches() { # FILE SHA256
	[ -f "$1" ] && echo "$2  $1" | sha256sum --check --status 2>/dev/null
}

# "URI suite" of each Debian archive that apt uses here. apt itself reads both source formats for us.
apt_archives() {
	# shellcheck disable=SC2016 # $(REPO_URI) and so on are apt's own variables
	apt-get indextargets -o APT::Get::IndexTargets::OnlyPresent=false \
		--format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 2>/dev/null |
		awk '$3 == "main" { sub("/+$", "", $1); print $1, $2 }' | sort -u
}

# A mirror+file: list (Debian's cloud images) names the real mirrors line by line; the first will do.
resolve_mirror() { # URI
	case $1 in
	mirror+file:*) grep -v '^#' "${1#mirror+file:}" | awk 'NF { sub("/+$", "", $1); print $1; exit }' ;;
	*) echo "$1" ;;
	esac
}

debian='bookworm|trixie|forky|sid|oldstable|stable|testing|unstable'

main_mirror() {
	archives=$(apt_archives)
	# A third-party archive may also call its suite by Debian's name, but only Debian has "-updates".
	uri=$(echo "$archives" | awk -v re="^($debian)-updates\$" '$2 ~ re { print $1; exit }')
	[ -n "$uri" ] || uri=$(echo "$archives" | awk -v re="^($debian)\$" '$2 ~ re { print $1; exit }')
	[ -z "$uri" ] || resolve_mirror "$uri"
}

security_mirror() {
	uri=$(apt_archives | awk -v re="^($debian)-security\$" '$2 ~ re { print $1; exit }')
	if [ -n "$uri" ]; then
		resolve_mirror "$uri"
	else
		main_mirror | sed 's|/debian$|/debian-security|'
	fi
}

mirrors() { # SUITE: the base URIs to try, best first
	case $1 in
	*-security) echo "$DEBIAN_SECURITY_MIRROR $DEBIAN_MIRROR" ;;
	*) echo "$DEBIAN_MIRROR $DEBIAN_SECURITY_MIRROR" ;;
	esac
}

download() { # SUITE PATH SHA256 DEST
	# apt escapes these two in its own requests, and some mirrors insist on it.
	escaped=$(echo "$2" | sed 's/+/%2b/g; s/~/%7e/g')
	part=$4.part.$$
	reason=
	for mirror in $(mirrors "$1"); do
		# Sandbox off: the _apt user cannot write to a private cache folder.
		if "$apt_helper" -o APT::Sandbox::User=root download-file \
			"$mirror/$escaped" "$part" "SHA256:$3" >"$part.log" 2>&1 </dev/null; then
			mv "$part" "$4"
			rm -f "$part.log"
			return 0
		fi
		# The best mirror's answer is the one worth telling.
		[ -n "$reason" ] || reason=$(why_failed "$part.log")
		rm -f "$part" "$part.FAILED" "$part.log"
	done
	return 1
}

why_failed() { # LOG
	grep -m1 -E '^ +([0-9]{3} |Hash Sum mismatch|Could not|Unable)' "$1" | sed 's/^ *//' | grep . || tail -n1 "$1"
}

copy_given() { # NAME SHA256 DEST
	given=$SOURCES/$1
	[ -f "$given" ] || die "$1 is not in SOURCES=$SOURCES; put the file there"
	matches "$given" "$2" ||
		die "$given has SHA-256 $(sha256sum "$given" | cut -d' ' -f1), ${lock##*/} wants $2; give the right file"
	cp "$given" "$3.part.$$"
	mv "$3.part.$$" "$3"
}

need_mirror() {
	[ -z "${DEBIAN_MIRROR-}" ] || return 0
	[ -x "$apt_helper" ] || die "$apt_helper is missing, so this is no Debian host; set SOURCES=dir to a folder with the files of ${lock##*/}"
	DEBIAN_MIRROR=$(main_mirror)
	: "${DEBIAN_SECURITY_MIRROR:=$(security_mirror)}"
	[ -n "$DEBIAN_MIRROR" ] || die "apt's sources name no Debian archive; set DEBIAN_MIRROR=uri or SOURCES=dir"
}

fetch_one() { # PACKAGE VERSION SUITE PATH SHA256
	name=${4##*/}
	dest=$cache/$name
	if matches "$dest" "$5"; then
		return 0
	fi
	if [ -n "${SOURCES-}" ]; then
		copy_given "$name" "$5" "$dest"
		return 0
	fi
	need_mirror
	[ -n "${QUIET-}" ] || echo "  FETCH $name" >&2
	download "$3" "$4" "$5" "$dest" && return 0
	case $reason in
	[0-9]* | Hash*) ;;
	# No answer at all: the other files would only wait for it as long again.
	*) die "the apt mirror does not answer: $reason; set DEBIAN_MIRROR=uri, or SOURCES=dir to a folder with the files" ;;
	esac
	failed="$failed
fetch.sh: $1 $2: $name with SHA-256 $5: the mirror says: $reason; give the file in SOURCES=dir, or pin a version that the mirror has"
}

main() {
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/podtrace/sources
	mkdir -p "$cache"
	exec 9>"$cache/.lock"
	flock 9
	rm -f "$cache"/*.part.* # of a run that was killed
	DEBIAN_MIRROR=${DEBIAN_MIRROR-}
	DEBIAN_SECURITY_MIRROR=${DEBIAN_SECURITY_MIRROR-}
	failed=
	while read -r package version suite path sha; do
		fetch_one "$package" "$version" "$suite" "$path" "$sha"
	done <<-EOF
		$(rows)
	EOF
	if [ -n "$failed" ]; then
		echo "$failed" | sed 1d >&2
		exit 1
	fi
	echo "$cache"
}

main
