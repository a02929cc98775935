#!/bin/bash
# Builds musl and every library of sources.lock for one architecture and installs them into a sysroot.
#
#   third_party/build.sh amd64|arm64 PREFIX      V=1 shows all output
#
# After it, PREFIX/bin/musl-gcc is the compiler of everything: it finds PREFIX/include and PREFIX/lib by itself.
# PREFIX/.key changes when the sysroot does; let the Makefile depend on it.
#
# The result is kept under ${XDG_CACHE_HOME:-~/.cache}/podtrace/sysroot/KEY, outside the clone, so a second
# checkout only copies it. KEY covers all that goes in: our recipe, the sources, the compilers, the kernel headers.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/podtrace
V=${V:-}

# A developer's search paths would let the host's glibc headers and archives in.
unset LIBRARY_PATH CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH OBJC_INCLUDE_PATH COMPILER_PATH GCC_EXEC_PREFIX \
	LD_LIBRARY_PATH PKG_CONFIG_PATH CC CXX AR RANLIB NM CFLAGS CPPFLAGS LDFLAGS LIBS MAKEFLAGS MFLAGS MAKEOVERRIDES \
	CONFIG_SITE REALGCC CROSS_COMPILE CDPATH GREP_OPTIONS
export LC_ALL=C TZ=UTC
umask 022

die() {
	echo "build.sh: $*" >&2
	exit 1
}

usage() {
	echo "usage: third_party/build.sh amd64|arm64 PREFIX" >&2
	exit 2
}

# ---- what to build for -------------------------------------------------------------------------------------------

select_arch() { # ARCH
	case $1 in
	amd64) triple=x86_64-linux-musl gnu=x86_64-linux-gnu ;;
	arm64) triple=aarch64-linux-musl gnu=aarch64-linux-gnu ;;
	*) usage ;;
	esac
	# The prefixed tools exist natively too, so both architectures build on either host.
	gcc=$gnu-gcc
	ar=$gnu-gcc-ar
	ranlib=$gnu-gcc-ranlib
	nm=$gnu-gcc-nm
	command -v "$gcc" >/dev/null || die "$gcc is missing; run third_party/install-packages.sh build $1"
	find_kernel_headers
}

# Where the host keeps linux/, asm-generic/ and asm/ for this architecture. Debian 13's linux-libc-dev carries every
# architecture; Debian 12 has a package per foreign one.
find_kernel_headers() {
	for kernel_headers in /usr/include "/usr/$gnu/include"; do
		# Never /usr/include/asm: a multilib host links it to its own architecture's folder.
		kernel_asm=/usr/include/$gnu/asm
		[ "$kernel_headers" = /usr/include ] || kernel_asm=$kernel_headers/asm
		[ ! -f "$kernel_headers/linux/version.h" ] || [ ! -f "$kernel_asm/unistd.h" ] || return 0
	done
	die "no kernel headers for $gnu; run third_party/install-packages.sh build $arch"
}

need_tools() {
	local tool
	for tool in make patch xz bzip2 dpkg-deb protoc protoc-gen-c flock; do
		command -v "$tool" >/dev/null || die "$tool is missing; run third_party/install-packages.sh build"
	done
}

compute_key() {
	{
		echo "$triple"
		cat "$here/sources.lock" "$here/build.sh"
		"$gcc" --version
		"$("$gcc" -print-prog-name=ld)" --version
		protoc --version
		sha256sum <"$(command -v protoc-gen-c)" # it cannot tell its version
		cat "$kernel_headers/linux/version.h"
	} | sha256sum | cut -c1-16
}

# ---- running and telling -----------------------------------------------------------------------------------------

# One line per package; its output goes to a log, of which the end is shown when something fails.
package() { # NAME FUNCTION
	local version log=$work/log/$1
	version=$(version_of "$1")
	echo "  BUILD $1 $version ($arch)"
	# Not as a condition ("if (...)" or "(...) ||"): that would switch set -e off inside the subshell.
	set +e
	if [ -n "$V" ]; then
		(set -ex; cd "$work/src/$1"; "$2") </dev/null
	else
		(set -ex; cd "$work/src/$1"; "$2") >"$log" 2>&1 </dev/null
	fi
	local rc=$?
	set -e
	[ $rc -eq 0 ] || failed "$1" "$log"
}

failed() { # NAME LOG
	[ -n "$V" ] || tail -n 40 "$2" >&2
	keep_work=1
	die "$1 failed for $arch; its tree is $work/src/$1$([ -n "$V" ] || echo ", the whole log is $2")"
}

version_of() { # PACKAGE: the upstream version, as its file name says it
	awk -v p="$1" '$1 == p { n = $4; sub(".*/", "", n); sub("^[^_]*_", "", n); sub("\\.orig\\..*|-[^-]*$", "", n); print n; exit }' \
		"$here/sources.lock"
}

files_of() { # PACKAGE
	awk -v p="$1" '$1 == p { n = $4; sub(".*/", "", n); print n }' "$here/sources.lock"
}

packages() {
	awk '/^[^#]/ && !seen[$1]++ { print $1 }' "$here/sources.lock"
}

# ---- sources -----------------------------------------------------------------------------------------------------

unpack() { # PACKAGE
	local file dir=$work/src/$1
	mkdir -p "$dir"
	for file in $(files_of "$1"); do
		case $file in
		*.orig.tar.*) tar -xf "$sources/$file" -C "$dir" --strip-components=1 --no-same-owner ;;
		*.debian.tar.*) tar -xf "$sources/$file" -C "$dir" --no-same-owner ;;
		*.deb) dpkg-deb -x "$sources/$file" "$dir" ;;
		esac
	done
	debian_patches "$dir"
}

# The whole series, so that what we build is what Debian fixed. A patch that does not apply stops the build.
debian_patches() { # DIR
	local name
	[ -f "$1/debian/patches/series" ] || return 0
	while read -r name _; do
		case $name in
		'' | '#'*) continue ;;
		# Renames the library for Debian's second, GnuTLS build of curl.
		ZZZgnutls-build.patch) continue ;;
		esac
		patch -d "$1" -p1 -F0 -s -f <"$1/debian/patches/$name" >"$work/log/patch" 2>&1 || {
			keep_work=1
			die "$1: Debian's patch $name does not apply; see $work/log/patch"
		}
	done <"$1/debian/patches/series"
}

# ---- compiling ---------------------------------------------------------------------------------------------------

# Compiles each file to obj/NAME.o, all CPUs at once, and makes an archive of them in the order given.
archive() { # LIBRARY FLAGS FILES...
	local lib=$1 flags=$2
	shift 2
	mkdir -p obj
	# shellcheck disable=SC2016 # the inner shell expands these
	# shellcheck disable=SC2086 # flags are words
	printf '%s\n' "$@" | xargs -P "$jobs" -I{} sh -c '
		src=$1; shift
		name=${src##*/}
		exec "$@" -c "$src" -o "obj/${name%.c}.o"' sh {} "$CC" $cflags $flags
	local objects=() src
	for src in "$@"; do
		src=${src##*/}
		objects+=("obj/${src%.c}.o")
	done
	rm -f "$sysroot/lib/$lib"
	"$ar" rcsD "$sysroot/lib/$lib" "${objects[@]}"
}

install_headers() { # DIR FILES...
	mkdir -p "$sysroot/include/$1"
	install -m 644 "${@:2}" "$sysroot/include/$1/"
}

build_musl() {
	# No -g of any kind: musl's configure would then keep frame pointers. No LTO: a libc must not be optimised away
	# before the compiler asks for its memcpy.
	CC=$gcc AR=$ar RANLIB=$ranlib ./configure --target="$triple" --prefix="$sysroot" --disable-shared \
		--enable-wrapper=gcc CFLAGS="$base_cflags"
	make -j"$jobs"
	make install
	mkdir -p "$sysroot/include"
	# Only the kernel's own three folders: pointing the compiler at /usr/include would let glibc's headers in.
	cp -r "$kernel_headers/linux" "$kernel_headers/asm-generic" "$sysroot/include/"
	cp -rL "$kernel_asm" "$sysroot/include/asm"
}

# Every export is compressed: its loops are worth the 20 KB that speed costs (15 % of the exporter's time).
build_zlib() {
	CHOST=$triple CC=$CC AR=$ar RANLIB=$ranlib CFLAGS="$cflags -O2 -ftree-vectorize" ./configure --static --prefix="$sysroot"
	make -j"$jobs" libz.a
	install -m 644 libz.a "$sysroot/lib/"
	install_headers . zlib.h zconf.h
}

# Compiled directly: elfutils' configure wants argp, fts and obstack, which libelf itself never uses.
build_elfutils() {
	cat >config.h <<-'EOF'
		#define HAVE_ERR_H 1
		#define HAVE_DECL_MEMPCPY 1
		#define HAVE_DECL_MEMRCHR 1
		#define HAVE_DECL_POWEROF2 1
		#define HAVE_DECL_REALLOCARRAY 1
		#define HAVE_VISIBILITY 1
		#define HAVE_FALLTHROUGH 1
		#define USE_ZLIB 1
		#include <eu-config.h>
	EOF
	local files
	files=$(sed -n '/^libelf_a_SOURCES = /,/[^\\]$/p' libelf/Makefile.am | sed 's/.*= //; s/\\$//')
	# shellcheck disable=SC2046,SC2086 # lists of file names without spaces
	archive libelf.a "-std=gnu99 -DHAVE_CONFIG_H -D_GNU_SOURCE -I. -Ilibelf -Ilib" \
		$(printf 'libelf/%s ' $files) lib/eu-search.c
	install_headers . libelf/libelf.h libelf/gelf.h
}

build_libbpf() {
	make -C src -j"$jobs" BUILD_STATIC_ONLY=1 NO_PKG_CONFIG=1 CC="$CC" AR="$ar" CFLAGS="$cflags" \
		DESTDIR= PREFIX="$sysroot" LIBDIR="$sysroot/lib" install
	# BPF programs and ours use the kernel headers that libbpf was written against; the host's may be older.
	make -C src DESTDIR= PREFIX="$sysroot" install_uapi_headers
	rm -rf "$sysroot/lib/pkgconfig"
}

build_bearssl() {
	mkdir -p build/obj # Debian bug 1105287: a race under -j
	make -j"$jobs" CC="$CC" AR="$ar" CFLAGS="-W -Wall $cflags" lib
	install -m 644 build/libbearssl.a "$sysroot/lib/"
	install_headers . inc/*.h
}

# Compiled directly: the archive of its repository that Debian ships has no configure.
build_nghttp2() {
	local version hex
	version=$(version_of nghttp2)
	hex=$(echo "$version" | awk -F. '{ printf "0x%02x%02x%02x", $1, $2, $3 }')
	sed "s/@PACKAGE_VERSION@/$version/; s/@PACKAGE_VERSION_NUM@/$hex/" \
		lib/includes/nghttp2/nghttp2ver.h.in >lib/includes/nghttp2/nghttp2ver.h
	archive libnghttp2.a "-std=gnu11 -DNGHTTP2_STATICLIB -DHAVE_ARPA_INET_H=1 -DHAVE_NETINET_IN_H=1
		-DHAVE_CLOCK_GETTIME=1 -DHAVE_DECL_CLOCK_MONOTONIC=1 -Ilib -Ilib/includes" lib/*.c
	install_headers nghttp2 lib/includes/nghttp2/*.h
}

build_protobuf_c() {
	archive libprotobuf-c.a "-I." protobuf-c/protobuf-c.c
	install_headers protobuf-c protobuf-c/protobuf-c.h
}

build_yyjson() {
	archive libyyjson.a "" src/yyjson.c
	install_headers . src/yyjson.h
}

# HTTP and HTTPS only. The threaded resolver stays: our event loop must not wait for DNS.
# No --enable-optimize: it would replace -Os by -O2.
build_curl() {
	./configure CC="$CC" AR="$ar" RANLIB="$ranlib" NM="$nm" CFLAGS="$cflags" \
		--host="$triple" --prefix="$sysroot" --disable-shared --enable-static --disable-dependency-tracking \
		--enable-http --enable-ipv6 --enable-unix-sockets --enable-threaded-resolver \
		--with-bearssl="$sysroot" --with-nghttp2="$sysroot" --with-zlib="$sysroot" \
		--without-{libpsl,brotli,zstd,libidn2,libgsasl,librtmp,ca-bundle,ca-path,libuv} \
		--disable-{ftp,file,ipfs,ldap,ldaps,rtsp,dict,telnet,tftp,pop3,imap,smb,smtp,gopher,mqtt} \
		--disable-{manual,docs,libcurl-option,ares,rt,proxy,versioned-symbols,sspi} \
		--disable-{basic-auth,digest-auth,kerberos-auth,negotiate-auth,aws,ntlm,tls-srp,http-auth} \
		--disable-{cookies,doh,mime,form-api,bindlocal,dateparse,netrc,progress-meter,sha512-256,dnsshuffle} \
		--disable-{get-easy-options,alt-svc,headers-api,hsts,websockets,httpsrr,ech}
	make -C lib -j"$jobs" libcurl.la
	install -m 644 lib/.libs/libcurl.a "$sysroot/lib/"
	install_headers curl include/curl/*.h
}

otlp_protos='common/v1/common resource/v1/resource trace/v1/trace metrics/v1/metrics logs/v1/logs
	collector/trace/v1/trace_service collector/metrics/v1/metrics_service collector/logs/v1/logs_service'

# The untouched .proto files for the tests' protoc --decode, and C made from a copy: protobuf-c's generator knows no
# proto3 "optional", so each becomes a oneof of one field, which is the same bytes on the wire.
build_otlp_proto() {
	local proto files=()
	mkdir -p "$sysroot/share/otlp-proto" rewritten generated
	(cd usr/include && find opentelemetry -name '*.proto' -exec cp --parents {} "$sysroot/share/otlp-proto/" \;)
	cp -r "$sysroot/share/otlp-proto/." rewritten/
	find rewritten -name '*.proto' -exec sed -i -E \
		's/^( *)optional ([A-Za-z0-9_.]+ ([a-z0-9_]+) = [0-9]+;)/\1oneof _\3 { \2 }/' {} +
	for proto in $otlp_protos; do
		protoc -Irewritten --c_out=generated "rewritten/opentelemetry/proto/$proto.proto"
		files+=("generated/opentelemetry/proto/$proto.pb-c.c")
	done
	archive libotlp-proto.a "-Igenerated" "${files[@]}"
	(cd generated && find opentelemetry -name '*.pb-c.h' -exec cp --parents {} "$sysroot/include/" \;)
}

# The untouched .proto for the tests, and C made from a copy without an option that older protoc do not know, and with
# another name for fields called "linux", which GNU C defines as 1.
build_cri_proto() {
	mkdir -p "$sysroot/share/cri-proto" rewritten generated
	cp usr/share/gocode/src/k8s.io/cri-api/pkg/apis/runtime/v1/api.proto "$sysroot/share/cri-proto/cri.proto"
	sed -E 's/ *\[ *debug_redact = true *\]//; s/ linux = / linux_ = /' "$sysroot/share/cri-proto/cri.proto" >rewritten/cri.proto
	protoc -Irewritten --c_out=generated rewritten/cri.proto
	archive libcri-proto.a "-Igenerated" generated/cri.pb-c.c
	install_headers cri generated/cri.pb-c.h
}

# ---- the whole ---------------------------------------------------------------------------------------------------

build_all() {
	local p
	mkdir -p "$work/src" "$work/log" "$sysroot/lib" "$sysroot/bin" "$sysroot/include"
	for p in $(packages); do
		unpack "$p"
	done
	package musl build_musl
	CC=$sysroot/bin/musl-gcc
	package zlib build_zlib
	package elfutils build_elfutils
	package libbpf build_libbpf
	package bearssl build_bearssl
	package nghttp2 build_nghttp2
	package protobuf-c build_protobuf_c
	package yyjson build_yyjson
	package curl build_curl
	package opentelemetry-proto build_otlp_proto
	package cri-api build_cri_proto
}

# Builds in a folder beside the result and renames it at the end: a killed build leaves no half sysroot.
fill_cache() { # ENTRY
	sources=$("$here/fetch.sh")
	rm -rf "$cache/sysroot/.work.$arch-"* # kept by a failed build for its log
	work=$(mktemp -d "$cache/sysroot/.work.$key.XXXXXX")
	keep_work=
	trap '[ -n "$keep_work" ] || rm -rf "$work"' EXIT
	sysroot=$work/sysroot
	jobs=$(nproc)
	base_cflags="-Os -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables -fno-unwind-tables"
	# The paths of this build must not show in __FILE__, so that any folder gives the same bits.
	# Fat LTO objects serve both: -flto at the final link saves 10 % of it, -fno-lto links in a quarter of a second.
	cflags="$base_cflags -ffile-prefix-map=$work=. -flto -ffat-lto-objects"
	build_all
	# The wrapper and its specs hold the prefix; install_sysroot puts the real one in.
	sed -i "s|$sysroot|@PREFIX@|g" "$sysroot/bin/musl-gcc" "$sysroot/lib/musl-gcc.specs"
	echo "$key" >"$sysroot/.key"
	mv "$sysroot" "$1"
}

# A sysroot is 30 MB and each change of the recipe makes one; the last few are enough to go back and forth.
kept_entries=4

prune_cache() {
	local entry
	# shellcheck disable=SC2012 # the names are our own keys
	ls -dt "$cache/sysroot/$arch"-*/ | tail -n "+$((kept_entries + 1))" | while read -r entry; do
		rm -rf "$entry"
	done
}

# Copied with fresh times on purpose: make must see that everything which includes these headers is out of date.
install_sysroot() { # ENTRY
	[ ! -e "$prefix" ] || [ -f "$prefix/.key" ] || rmdir "$prefix" 2>/dev/null ||
		die "$prefix exists and is no sysroot of ours; give another PREFIX or remove it"
	local new=$prefix.new.$$
	mkdir -p "$(dirname "$prefix")"
	cp -r "$1" "$new"
	sed -i "s|@PREFIX@|$prefix|g" "$new/bin/musl-gcc" "$new/lib/musl-gcc.specs"
	[ ! -e "$prefix" ] || mv "$prefix" "$prefix.old.$$"
	mv "$new" "$prefix"
	rm -rf "$prefix.old.$$"
}

main() {
	[ $# -eq 2 ] || usage
	arch=$1
	select_arch "$arch"
	need_tools
	prefix=$(realpath -m "$2")
	# gcc's specs and configure take no quoting.
	[[ $prefix$cache =~ ^[A-Za-z0-9/._+@-]+$ ]] ||
		die "'$prefix' or '$cache' has a character other than A-Z a-z 0-9 / . _ + @ -; build in another folder"
	key=$arch-$(compute_key)
	[ "$(cat "$prefix/.key" 2>/dev/null || true)" != "$key" ] || exit 0
	mkdir -p "$cache/sysroot"
	exec 8>"$cache/sysroot/.lock.$arch"
	flock 8
	[ -d "$cache/sysroot/$key" ] || fill_cache "$cache/sysroot/$key"
	touch "$cache/sysroot/$key"
	prune_cache
	install_sysroot "$cache/sysroot/$key"
	echo "  SYSROOT $arch $prefix"
}

main "$@"
