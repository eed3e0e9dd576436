// SPDX-License-Identifier: Apache-2.0
/* PEM, see ds/crypto/pem.h. */
#include <ds/crypto/pem.h>

#include <ds/base/secret.h>
#include <ds/base/text.h>

#define LINE_BYTES  48u
#define LINE_MAX_IN 76u
#define BEGIN	    "-----BEGIN "
#define END	    "-----END "
#define DASHES	    "-----"

/* The next line without its end; LF or CR LF. 0 or DS_PEM_E_END. */
static int next_line(struct ds_rd *rd, struct ds_span *ret)
{
	size_t left = ds_rd_left(rd);
	const uint8_t *nl = left ? memchr(rd->p, '\n', left) : NULL;
	size_t n = nl ? (size_t)(nl - rd->p) : left;

	if (!left)
		return DS_PEM_E_END;
	*ret = DS_SPAN(rd->p, n);
	rd->p += nl ? n + 1 : n;
	if (nl && ret->n && ret->p[ret->n - 1] == '\r')
		ret->n--;
	return 0;
}

/* prefix LABEL "-----" */
static bool marker(struct ds_span line, const char *prefix, struct ds_span *ret_label)
{
	size_t n = strlen(prefix), dashes = strlen(DASHES);

	if (line.n <= n + dashes || memcmp(line.p, prefix, n) ||
	    memcmp(line.p + line.n - dashes, DASHES, dashes))
		return false;
	*ret_label = DS_SPAN(line.p + n, line.n - n - dashes);
	return true;
}

int ds_pem_next(struct ds_rd *rd, struct ds_span *ret_label, struct ds_span *ret_body)
{
	struct ds_span line, label, end;
	const uint8_t *body, *stop;
	int r;

	do {
		r = next_line(rd, &line);
		if (r)
			return r;
	} while (!line.n);
	if (!marker(line, BEGIN, &label))
		return -EBADMSG;
	body = rd->p;
	do {
		stop = rd->p;
		if (next_line(rd, &line))
			return -EBADMSG;
	} while (!marker(line, END, &end));
	if (!ds_span_eq(label, end))
		return -EBADMSG;
	*ret_label = label;
	*ret_body = DS_SPAN(body, (size_t)(stop - body));
	return 0;
}

int ds_pem_decode(struct ds_span body, uint8_t *out, size_t cap, size_t *ret_n)
{
	struct ds_rd rd = ds_rd_init(body);
	struct ds_span line;
	bool padded = false;
	size_t n = 0, got;
	int r;

	while (!(r = next_line(&rd, &line))) {
		if (padded || !line.n || line.n > LINE_MAX_IN)
			return -EBADMSG;
		r = ds_b64_decode((const char *)line.p, line.n, out + n, cap - n, &got);
		if (r)
			return r;
		padded = got < line.n / 4 * 3;
		n += got;
	}
	if (r < 0)
		return r;
	*ret_n = n;
	return 0;
}

size_t ds_pem_size(const char *label, size_t n)
{
	return 2 * (strlen(label) + strlen(DASHES) + 1) + strlen(BEGIN) + strlen(END) +
	       4 * ((n + 2) / 3) + (n + LINE_BYTES - 1) / LINE_BYTES;
}

static uint8_t *put(uint8_t *out, const char *s)
{
	return (uint8_t *)mempcpy(out, s, strlen(s));
}

void ds_pem_encode(const char *label, const uint8_t *p, size_t n, uint8_t *out)
{
	char line[DS_B64_SIZE(LINE_BYTES)];

	out = put(put(put(out, BEGIN), label), DASHES "\n");
	for (size_t at = 0; at < n; at += LINE_BYTES) {
		ds_b64_encode(p + at, n - at < LINE_BYTES ? n - at : LINE_BYTES, line);
		out = put(put(out, line), "\n");
	}
	put(put(put(out, END), label), DASHES "\n");
	ds_wipe(line, sizeof(line));
}
