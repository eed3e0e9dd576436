// SPDX-License-Identifier: Apache-2.0
/* JSON replies with a key in them, written straight into secret memory. */
#include <ds/base/text.h>

#include "agent.h"

void sj_init(struct secret_json *j, size_t cap)
{
	*j = (struct secret_json){ .s = ds_secret_new(cap) };
	if (!j->s)
		j->r = -ENOMEM;
}

static uint8_t *room(struct secret_json *j, size_t n)
{
	uint8_t *p;

	if (j->r)
		return NULL;
	if (n > j->s->n - j->n) {
		j->r = -EFBIG;
		return NULL;
	}
	p = j->s->p + j->n;
	j->n += n;
	return p;
}

void sj_text(struct secret_json *j, const char *text)
{
	size_t n = strlen(text);
	uint8_t *p = room(j, n);

	if (p)
		memcpy(p, text, n);
}

void sj_hex(struct secret_json *j, struct ds_span bytes)
{
	uint8_t *p = room(j, 2 * bytes.n + 1); /* the encoder ends with a NUL */

	if (p) {
		ds_hex_encode(bytes.p, bytes.n, (char *)p);
		j->n--;
	}
}

void sj_pem(struct secret_json *j, struct ds_span pem)
{
	for (size_t i = 0; i < pem.n; i++) {
		bool nl = pem.p[i] == '\n';
		uint8_t *p = room(j, nl ? 2 : 1);

		if (!p)
			return;
		memcpy(p, nl ? "\\n" : (const char *)&pem.p[i], nl ? 2 : 1);
	}
}

void sj_reply(struct secret_json *j, struct ds_req *req)
{
	if (j->r)
		ds_req_fail(req, 400, "reply: %s", strerror(-j->r));
	else
		ds_req_reply_secret(req, 200, "application/json", &j->s, j->n);
	j->s = ds_secret_free(j->s);
}
