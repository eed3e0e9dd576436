// SPDX-License-Identifier: Apache-2.0
/* Strict INI reading on libinih, and the value types. */
#include <arpa/inet.h>
#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/net/config.h>
#include <ini.h>
#include <search.h>

#define DOM	 "config"
#define MAX_LINE 16384u
#define MAX_NAME 49u /* libinih cuts longer section and key names without a word */

/* A key that comes once and has come. */
struct once {
	unsigned line;
	char name[2 * MAX_NAME + 3]; /* SECTION]KEY: no section has a bracket in it */
};

struct parse {
	struct ds_span left;
	void *once; /* tree of struct once */
	const char *name;
	unsigned line;
	ds_conf_fn fn;
	void *ctx;
	struct ds_err *err;
	int r;
};

/* fgets() on a span that counts lines; lines were bounded before. */
static char *reader(char *out, int size, void *arg)
{
	struct parse *ps = arg;
	const uint8_t *nl = ps->left.n ? memchr(ps->left.p, '\n', ps->left.n) : NULL;
	size_t n = nl ? (size_t)(nl - ps->left.p) + 1 : ps->left.n;

	if (!n || size < 2)
		return NULL;
	if (n > (size_t)size - 1)
		n = (size_t)size - 1;
	else
		ps->line++;
	memcpy(out, ps->left.p, n);
	out[n] = '\0';
	ps->left.p += n;
	ps->left.n -= n;
	return out;
}

static int at_line(struct parse *ps, int r, const char *msg)
{
	return ds_err_set(ps->err, r, DOM, ps->line, "%s:%u: %s", ps->name, ps->line, msg);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct once *)a)->name, ((const struct once *)b)->name);
}

static int come_once(struct parse *ps, const char *section, const char *key)
{
	struct once *now = malloc(sizeof(*now)), **at;
	char msg[160];

	if (!now)
		return -ENOMEM;
	now->line = ps->line;
	snprintf(now->name, sizeof(now->name), "%s]%s", section, key);
	at = tsearch(now, &ps->once, by_name);
	if (at && *at == now)
		return 0;
	free(now);
	if (!at)
		return -ENOMEM;
	snprintf(msg, sizeof(msg), "%s: given twice in [%s], first in line %u", key, section,
		 (*at)->line);
	return at_line(ps, -EINVAL, msg);
}

static int handler(void *arg, const char *section, const char *key, const char *value)
{
	struct parse *ps = arg;
	struct ds_err why = DS_ERR_NULL;
	char msg[160];
	int r;

	if (ps->r)
		return 0;
	r = ps->fn(ps->ctx, section, key, value, &why);
	if (r == DS_CONF_E_UNKNOWN) {
		snprintf(msg, sizeof(msg), "unknown key '%s' in section [%s]", key, section);
		ps->r = at_line(ps, -EINVAL, msg);
	} else if (!r && key) {
		ps->r = come_once(ps, section, key);
	} else if (r && r != DS_CONF_MORE) {
		snprintf(msg, sizeof(msg), "%.50s: %.90s", key,
			 why.code ? why.msg : strerror(r < 0 ? -r : EINVAL));
		ps->r = at_line(ps, r < 0 ? r : -EINVAL, msg);
	}
	return ps->r == 0;
}

/* What libinih would cut, split or skip in silence. */
static int check_line(struct parse *ps, const uint8_t *p, size_t n)
{
	size_t name = 0;

	if (n > MAX_LINE)
		return at_line(ps, -EFBIG, "line is too long");
	for (size_t i = 0; i < n; i++)
		if ((p[i] < 0x20 && p[i] != '\t' && p[i] != '\r') || p[i] == 0x7f)
			return at_line(ps, -EBADMSG, "control character");
	while (n && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	if (!n || *p == '#' || *p == ';' || *p == '\r')
		return 0;
	while (name < n && p[name] != ']' && p[name] != '=' && p[name] != ':')
		name++;
	if (name > MAX_NAME)
		return at_line(ps, -EFBIG, "section or key name is too long");
	if (*p == '[' && name == n)
		return at_line(ps, -EBADMSG, "section without ']'");
	for (size_t i = name + 1; *p == '[' && i < n && p[i] != '#' && p[i] != ';'; i++)
		if (p[i] != ' ' && p[i] != '\t' && p[i] != '\r')
			return at_line(ps, -EBADMSG, "text after ']'");
	return 0;
}

static int check_lines(struct parse *ps, struct ds_span text)
{
	for (size_t pos = 0; pos < text.n;) {
		const uint8_t *nl = memchr(text.p + pos, '\n', text.n - pos);
		size_t n = nl ? (size_t)(nl - text.p) - pos : text.n - pos;

		ps->line++;
		DS_TRY(check_line(ps, text.p + pos, n));
		pos += n + 1;
	}
	ps->line = 0;
	return 0;
}

int ds_conf_parse(struct ds_span text, const char *name, ds_conf_fn fn, void *ctx,
		  struct ds_err *err)
{
	struct parse ps = { .left = text, .name = name, .fn = fn, .ctx = ctx, .err = err };
	int r;

	DS_TRY(check_lines(&ps, text));
	ini_use_stack = false;
	ini_allow_realloc = true;
	ini_max_line = MAX_LINE + 2;
	ini_allow_multiline = false;
	ini_allow_inline_comments = false;
	ini_allow_bom = false;
	ini_stop_on_first_error = true;
	r = ini_parse_stream(reader, &ps, handler, &ps);
	tdestroy(ps.once, free);
	if (ps.r)
		return ps.r;
	if (r < 0)
		return -ENOMEM;
	return r ? at_line(&ps, -EBADMSG, "expected [section] or key = value") : 0;
}

int ds_conf_load(const char *path, ds_conf_fn fn, void *ctx, struct ds_err *err)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	int r = ds_read_file(AT_FDCWD, path, DS_MAX_CONFIG_FILE, &text);

	if (r)
		return ds_err_set(err, r, DOM, 0, "%s: %s", path, strerror(-r));
	return ds_conf_parse(ds_buf_span(&text), path, fn, ctx, err);
}

int ds_conf_bool(const char *value, bool *ret, struct ds_err *err)
{
	if (strcmp(value, "yes") && strcmp(value, "no"))
		return ds_err_set(err, -EINVAL, DOM, 0, "expected yes or no, got '%s'", value);
	*ret = value[0] == 'y';
	return 0;
}

int ds_conf_u64(const char *value, uint64_t max, uint64_t *ret, struct ds_err *err)
{
	uint64_t v;

	if (ds_parse_u64(value, strlen(value), max, &v))
		return ds_err_set(err, -EINVAL, DOM, 0, "expected a number up to %llu, got '%s'",
				  (unsigned long long)max, value);
	*ret = v;
	return 0;
}

int ds_conf_hex(const char *value, void *ret, size_t want, struct ds_err *err)
{
	if (ds_hex_decode_exact(value, ret, want))
		return ds_err_set(err, -EINVAL, DOM, 0, "expected %zu hex digits, got '%s'",
				  2 * want, value);
	return 0;
}

int ds_conf_str(const char *value, char **ret, struct ds_err *err)
{
	char *copy;

	if (!*value)
		return ds_err_set(err, -EINVAL, DOM, 0, "empty value");
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*ret);
	*ret = copy;
	return 0;
}

int ds_conf_addr(const char *value, char **ret_addr, uint16_t *ret_port, struct ds_err *err)
{
	const char *colon = strrchr(value, ':');
	bool bracketed = value[0] == '[';
	DS_FREE char *addr = NULL;
	uint8_t bin[16];
	uint64_t port;

	if (!colon || (bracketed && (colon == value || colon[-1] != ']')))
		return ds_err_set(err, -EINVAL, DOM, 0, "expected ADDRESS:PORT, got '%s'", value);
	addr = strndup(value + bracketed, (size_t)(colon - value) - (bracketed ? 2 : 0));
	if (!addr)
		return -ENOMEM;
	if (inet_pton(bracketed ? AF_INET6 : AF_INET, addr, bin) != 1 ||
	    ds_parse_u64(colon + 1, strlen(colon + 1), 65535, &port))
		return ds_err_set(err, -EINVAL, DOM, 0, "expected a numeric ADDRESS:PORT, got '%s'",
				  value);
	free(*ret_addr);
	*ret_addr = addr;
	addr = NULL;
	*ret_port = (uint16_t)port;
	return 0;
}

int ds_conf_list(const char *value, int (*fn)(void *ctx, const char *item, struct ds_err *err),
		 void *ctx, struct ds_err *err)
{
	const char *p = value;

	while (*p) {
		size_t n = strcspn(p, ", \t");
		DS_FREE char *item = n ? strndup(p, n) : NULL;

		if (n && !item)
			return -ENOMEM;
		if (n)
			DS_TRY(fn(ctx, item, err));
		p += n + (p[n] != '\0');
	}
	return 0;
}
