// SPDX-License-Identifier: Apache-2.0
#include "net/tls.h"

#include <bearssl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char begin[] = "-----BEGIN CERTIFICATE-----";
static const char end[] = "-----END CERTIFICATE-----";

/* Debian and Alpine, Fedora and RHEL (two), openSUSE, a BSD-ish habit. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/ca-bundle.pem",
	"/etc/ssl/cert.pem",
};

#define CURL_DN_MAX 1024 /* subject bytes, curl 8.14.1 lib/vtls/bearssl.c struct cafile_parser */

static void on_der(void *ctx, const void *p, size_t n)
{
	br_x509_decoder_push(ctx, p, n);
}

static void on_dn(void *ctx, const void *p, size_t n)
{
	(void)p;
	*(size_t *)ctx += n;
}

static bool is_anchor(br_x509_decoder_context *dc, size_t dn_n)
{
	const br_x509_pkey *key = br_x509_decoder_get_pkey(dc);

	return key && dn_n <= CURL_DN_MAX && !br_x509_decoder_last_error(dc) &&
	       (key->key_type == BR_KEYTYPE_RSA || key->key_type == BR_KEYTYPE_EC);
}

/* Feed one PEM object, as curl will: would it take it as a trust anchor? */
static bool usable(struct str pem)
{
	br_pem_decoder_context pc;
	br_x509_decoder_context dc;
	size_t dn_n = 0;

	br_pem_decoder_init(&pc);
	br_x509_decoder_init(&dc, on_dn, &dn_n);
	while (pem.n) {
		size_t used = br_pem_decoder_push(&pc, pem.p, pem.n);

		pem = str_slice(pem, used, pem.n);
		switch (br_pem_decoder_event(&pc)) {
		case BR_PEM_BEGIN_OBJ:
			br_pem_decoder_setdest(&pc, on_der, &dc);
			break;
		case BR_PEM_END_OBJ:
			return is_anchor(&dc, dn_n);
		case BR_PEM_ERROR:
			return false;
		default:
			if (!used)
				return false;
		}
	}
	return false;
}

/* The next line of rest without its end, "\n" or "\r\n" or nothing. */
static bool next_line(struct str *rest, struct str *ret)
{
	if (!str_cut(rest, '\n', ret))
		return false;
	*ret = str_trim(*ret);
	return true;
}

void tls_ca_clean(struct buf *ret, struct str pem, size_t *ret_kept, size_t *ret_dropped)
{
	size_t start = 0; /* of the certificate we are in */
	bool inside = false;
	struct str line;

	*ret_kept = *ret_dropped = 0;
	while (next_line(&pem, &line)) {
		if (str_eq(line, STR(begin))) {
			if (inside) {
				ret->n = start;
				++*ret_dropped;
			}
			inside = true;
			start = ret->n;
		}
		if (!inside)
			continue;
		buf_str(ret, line);
		buf_char(ret, '\n');
		if (ret->err || !str_eq(line, STR(end)))
			continue;
		inside = false;
		if (usable(str_slice(buf_view(ret), start, ret->n))) {
			++*ret_kept;
		} else {
			++*ret_dropped;
			ret->n = start;
		}
	}
	if (inside && !ret->err) {
		ret->n = start;
		++*ret_dropped;
	}
}

static int read_file(struct buf *ret, const char *file)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char chunk[16384];
	ssize_t n = -1;
	int keep;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(ret, chunk, (size_t)n);
	keep = n < 0 ? -errno : ret->err;
	close(fd);
	return keep == -ENOSPC ? -EFBIG : keep;
}

static const char *find_bundle(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bundles); i++) {
		if (!access(bundles[i], R_OK))
			return bundles[i];
	}
	return NULL;
}

int tls_ca_load(struct buf *ret, const char *file, size_t *ret_kept, size_t *ret_dropped, char *err,
		size_t err_cap)
{
	struct buf raw;
	int ret_err;

	if (!file)
		file = find_bundle();
	if (!file) {
		snprintf(err, err_cap,
			 "https wants a CA bundle, and none is at %s or where other "
			 "distributions keep theirs; name one",
			 bundles[0]);
		return -ENOENT;
	}
	buf_init(&raw, TLS_CA_BYTES_MAX);
	ret_err = read_file(&raw, file);
	if (!ret_err) {
		tls_ca_clean(ret, buf_view(&raw), ret_kept, ret_dropped);
		ret_err = ret->err;
	}
	buf_free(&raw);
	if (ret_err) {
		snprintf(err, err_cap, "cannot read the CA file %s: %s", file, strerror(-ret_err));
		return ret_err;
	}
	if (!*ret_kept) {
		snprintf(err, err_cap,
			 "the CA file %s has no certificate that TLS 1.2 with RSA up "
			 "to 4096 bits or P-256, P-384, P-521 can use (%zu of other "
			 "kinds)",
			 file, *ret_dropped);
		return -EINVAL;
	}
	return 0;
}
