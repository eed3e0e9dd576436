// SPDX-License-Identifier: Apache-2.0
/* fw_cfg item tdx-emul (key=value lines) to the parameter string of tdx_emul.ko: known keys and hex
 * only. */
#include "ctx.h"

static const struct {
	const char *key;
	size_t hex;
} keys[] = {
	{ "mrtd", 96 },		 { "mrconfigid", 96 }, { "mrowner", 96 },
	{ "mrownerconfig", 96 }, { "rtmr0", 96 },      { "rtmr1", 96 },
	{ "rtmr2", 96 },	 { "xfam", 16 },       { "td_attributes", 16 },
};

static int add_line(const char *line, size_t len, unsigned int *seen, struct ds_buf *ret,
		    struct ds_err *err)
{
	const char *eq = memchr(line, '=', len);
	size_t klen = eq ? (size_t)(eq - line) : len, vlen = eq ? len - klen - 1 : 0, i = 0;

	while (i < DS_ARRAY_SIZE(keys) &&
	       (strlen(keys[i].key) != klen || memcmp(keys[i].key, line, klen)))
		i++;
	if (!eq || i == DS_ARRAY_SIZE(keys))
		return ds_err_set(err, -EBADMSG, "tdx-emul", 0,
				  "a line is not one of the known key=value pairs");
	if (*seen & 1u << i)
		return ds_err_set(err, -EBADMSG, "tdx-emul", 0, "%s: given twice", keys[i].key);
	*seen |= 1u << i;
	if (vlen != keys[i].hex || strspn(eq + 1, "0123456789abcdefABCDEF") < vlen)
		return ds_err_set(err, -EBADMSG, "tdx-emul", 0,
				  "%s: %zu hex digits expected, found %zu characters", keys[i].key,
				  keys[i].hex, vlen);
	return ds_buf_addf(ret, "%s%s=%.*s", ret->n ? " " : "", keys[i].key, (int)vlen, eq + 1);
}

int emul_params(struct ds_span text, struct ds_buf *ret, struct ds_err *err)
{
	unsigned int seen = 0;
	char buf[EMUL_TEXT_MAX + 1], *line = buf, *end;

	if (text.n > EMUL_TEXT_MAX)
		return ds_err_set(err, -EFBIG, "tdx-emul", 0, "%zu bytes, at most %u expected",
				  text.n, EMUL_TEXT_MAX);
	if (text.n && (memchr(text.p, 0, text.n) || text.p[text.n - 1] != '\n'))
		return ds_err_set(err, -EBADMSG, "tdx-emul", 0, "not lines of text");
	memcpy(buf, text.p, text.n);
	buf[text.n] = 0;
	for (; *line; line = end + 1) {
		end = strchr(line, '\n');
		DS_TRY(add_line(line, (size_t)(end - line), &seen, ret, err));
	}
	return ds_buf_cstr(ret) ? 0 : -ENOMEM;
}
