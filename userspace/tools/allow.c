// SPDX-License-Identifier: Apache-2.0
/* See allow.h. Sections of one name add up, and so do lines of one key (dstack-kms(8)). */
#include <getopt.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/text.h>
#include <ds/net/config.h>

#include "allow.h"
#include "vm.h"

#define BLANK " \t\r"

static struct ds_span trim(struct ds_span s)
{
	while (s.n && strchr(BLANK, s.p[0]))
		s = DS_SPAN(s.p + 1, s.n - 1);
	while (s.n && strchr(BLANK, s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool is(struct ds_span s, const char *text)
{
	return s.n == strlen(text) && !strncasecmp((const char *)s.p, text, s.n);
}

/* Up to one of these characters, which is taken as well. */
static struct ds_span cut(struct ds_span *left, const char *at)
{
	struct ds_span s = *left;
	size_t n = 0;

	while (n < s.n && !strchr(at, s.p[n]))
		n++;
	*left = n < s.n ? DS_SPAN(s.p + n + 1, s.n - n - 1) : DS_SPAN(s.p + n, 0);
	s.n = n;
	return s;
}

/* What a line says: a section, or a key with its list. */
struct line {
	struct ds_span section, key, list;
};

static struct line read_line(struct ds_span text)
{
	struct ds_span s = trim(text);
	struct line l = { 0 };

	if (!s.n || s.p[0] == '#' || s.p[0] == ';')
		return l;
	if (s.p[0] == '[') {
		s = DS_SPAN(s.p + 1, s.n - 1);
		l.section = cut(&s, "]");
	} else {
		l.key = trim(cut(&s, "=:"));
		l.list = trim(s);
	}
	return l;
}

/* The list without this value into ret; true if it had it. */
static int without(struct ds_span list, const char *value, struct ds_buf *ret, bool *ret_had)
{
	while (list.n) {
		struct ds_span item = cut(&list, "," BLANK);

		if (is(item, value)) {
			*ret_had = true;
		} else if (item.n) {
			DS_TRY(ret->n ? ds_buf_addf(ret, ", ") : 0);
			DS_TRY(ds_buf_add_span(ret, item));
		}
	}
	return 0;
}

/* One line in a section that is meant: copied, shortened or left out. */
static int take(const struct allow_edit *e, struct ds_span raw, const struct line *l,
		struct ds_buf *ret, bool *ret_had)
{
	DS_BUF struct ds_buf rest = DS_BUF_NULL;
	bool had = false;

	if (is(l->key, e->key))
		DS_TRY(without(l->list, e->value, &rest, &had));
	*ret_had |= had;
	if (!had)
		return ds_buf_add_span(ret, raw);
	return rest.n ? ds_buf_addf(ret, "%s = %s\n", e->key, ds_buf_cstr(&rest)) : 0;
}

static int any_key(void *ctx, const char *section, const char *key, const char *value,
		   struct ds_err *err)
{
	(void)ctx;
	(void)section;
	(void)key;
	(void)value;
	(void)err;
	return DS_CONF_MORE;
}

/* Behind the last line of the section that says something; a new one at the end. */
static int insert(const struct allow_edit *e, struct ds_span text, size_t at, struct ds_buf *ret)
{
	struct ds_span before = DS_SPAN(text.p, at ? at : text.n);

	DS_TRY(ds_buf_add_span(ret, before));
	if (before.n && before.p[before.n - 1] != '\n')
		DS_TRY(ds_buf_addf(ret, "\n"));
	if (!at)
		DS_TRY(ds_buf_addf(ret, "%s[%s]\n", before.n ? "\n" : "", e->section));
	DS_TRY(ds_buf_addf(ret, "%s = %s\n", e->key, e->value));
	return ds_buf_add_span(ret, DS_SPAN(text.p + before.n, text.n - before.n));
}

int allow_edit(struct ds_span text, const char *name, const struct allow_edit *e,
	       struct ds_buf *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	struct ds_span left = text;
	bool inside = false, had = false;
	size_t at = 0;

	DS_TRY(ds_conf_parse(text, name, any_key, NULL, err));
	while (left.n) {
		struct ds_span raw = left, s = cut(&left, "\n");
		struct line l = read_line(s);

		raw.n -= left.n;
		if (l.section.n)
			inside = is(l.section, e->section);
		if (inside && (l.section.n || l.key.n))
			at = text.n - left.n;
		DS_TRY(inside ? take(e, raw, &l, &out, &had) : ds_buf_add_span(&out, raw));
	}
	if (e->allow && had)
		return -EEXIST;
	if (!e->allow && !had)
		return -ENOENT;
	if (e->allow)
		return insert(e, text, at, ret);
	*ret = ds_buf_steal(&out);
	return 0;
}

/* --- the command */

static const struct {
	const char *name, *key;
	bool app; /* in the section of an app, else in [kms] */
	bool any; /* takes that word */
} whats[] = {
	{ "compose-hash", "compose_hash", true, false },
	{ "device", "device", true, true },
	{ "kms-mr", "mr_aggregated", false, false },
	{ "kms-device", "device", false, true },
};

static bool is_hex(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdefABCDEF") == n;
}

static int make_edit(char **words, const char *app, char section[64], struct allow_edit *ret)
{
	size_t i = 0;

	while (i < DS_ARRAY_SIZE(whats) && strcmp(words[1], whats[i].name))
		i++;
	if (i == DS_ARRAY_SIZE(whats))
		return usage_error("kms %s: expected compose-hash, device, kms-mr or kms-device, "
				   "got '%s'",
				   words[0], words[1]);
	if (whats[i].app != (app != NULL))
		return usage_error("kms %s: %s %s --app ID", words[0], words[1],
				   app ? "takes no" : "needs");
	if (app && !is_hex(app, 40))
		return usage_error("kms %s: --app: expected 40 hex digits, got '%s'", words[0],
				   app);
	if (!is_hex(words[2], 64) && !(whats[i].any && !strcmp(words[2], "any")))
		return usage_error("kms %s: %s: expected 64 hex digits%s, got '%s'", words[0],
				   words[1], whats[i].any ? " or any" : "", words[2]);
	snprintf(section, 64, app ? "app %s" : "kms", app);
	*ret = (struct allow_edit){ .section = section,
				    .key = whats[i].key,
				    .value = words[2],
				    .allow = !strcmp(words[0], "allow") };
	return 0;
}

/* Owner, group and mode stay, so only the owner may: the new file is whoever's that writes it. */
static int replace(const char *path, struct ds_span text)
{
	struct stat st;
	int r;

	if (stat(path, &st))
		return failure("%s: %s", path, strerror(errno));
	if (st.st_uid != geteuid())
		return failure("%s: belongs to uid %u, expected to be run as that user", path,
			       (unsigned)st.st_uid);
	r = ds_write_file_atomic(AT_FDCWD, path, text, st.st_mode & 0777);
	if (r)
		return failure("%s: %s", path, strerror(-r));
	if (st.st_gid != getegid() && chown(path, (uid_t)-1, st.st_gid))
		return failure("%s: written, but its group is no longer %u: %s", path,
			       (unsigned)st.st_gid, strerror(errno));
	return 0;
}

static int edit_file(const char *file, const struct allow_edit *e)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL, next = DS_BUF_NULL;
	DS_FREE char *path = realpath(file, NULL); /* a link stays one */
	struct ds_err err = DS_ERR_NULL;
	int r = path ? ds_read_file(AT_FDCWD, path, DS_MAX_CONFIG_FILE, &text) : -errno;

	if (r)
		return failure("%s: %s", file, strerror(-r));
	r = allow_edit(ds_buf_span(&text), file, e, &next, &err);
	if (r == -EEXIST) {
		printf("%s: [%s] has %s %s already\n", file, e->section, e->key, e->value);
		return 0;
	}
	if (r == -ENOENT)
		return failure("%s: [%s] has no %s %s", file, e->section, e->key, e->value);
	if (r)
		return failure("%s", err.code ? err.msg : strerror(-r));
	if (next.n > DS_MAX_CONFIG_FILE)
		return failure("%s: would have %zu bytes, expected at most %zu", file, next.n,
			       (size_t)DS_MAX_CONFIG_FILE);
	if (replace(path, ds_buf_span(&next)))
		return 1;
	printf("%s: [%s] %s %s %s; dstack-kms reads it on SIGHUP (systemctl reload dstack-kms)\n",
	       file, e->section, e->allow ? "has" : "no longer has", e->key, e->value);
	return 0;
}

int cmd_allow(int argc, char **argv)
{
	static const struct option o[] = { { "policy", 1, 0, 'p' }, { "app", 1, 0, 'a' }, { 0 } };
	const char *policy = NULL, *app = NULL;
	struct allow_edit e;
	char section[64];
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", o, NULL)) != -1) {
		switch (c) {
		case 'p':
			policy = optarg;
			break;
		case 'a':
			app = optarg;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 3 || !policy)
		return usage_error(
			"kms: expected allow|deny WHAT VALUE --policy FILE (see --help)");
	c = make_edit(argv + optind, app, section, &e);
	return c ? c : edit_file(policy, &e);
}
