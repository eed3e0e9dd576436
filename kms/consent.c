// SPDX-License-Identifier: Apache-2.0
/* The operator's word about recipients of the roots, see consent.h. */
#include "consent.h"

#include <ds/base/file.h>
#include <ds/base/text.h>
#include <pwd.h>
#include <unistd.h>

#define DOM "replicate_to"

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct ds_span skip(struct ds_span s, size_t n)
{
	return DS_SPAN(s.p + n, s.n - n);
}

static struct ds_span trim(struct ds_span s)
{
	while (s.n && blank(s.p[0]))
		s = skip(s, 1);
	while (s.n && blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

static struct ds_span without_comment(struct ds_span s)
{
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] == '#' && blank(s.p[i - 1]))
			s.n = i;
	return s;
}

/* It goes into the journal as it is. */
static bool name_ok(struct ds_span s)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	for (size_t i = 0; i < s.n; i++)
		if (!s.p[i] || !strchr(chars, s.p[i]))
			return false;
	return s.n <= KMS_CONSENT_NAME;
}

static int parse_line(struct ds_span line, const uint8_t *key, struct kms_listing *l)
{
	struct ds_span s = trim(line);
	uint8_t listed[32];

	if (!s.n || s.p[0] == '#')
		return 0;
	if (s.n < 64 || ds_hex_decode((const char *)s.p, 64, listed, sizeof(listed)) ||
	    (s.n > 64 && !blank(s.p[64])))
		return -EBADMSG;
	s = trim(without_comment(skip(s, 64)));
	if (!name_ok(s))
		return -EBADMSG;
	l->keys++;
	if (key && !l->listed && !memcmp(listed, key, sizeof(listed))) {
		l->listed = true;
		memcpy(l->name, s.p, s.n);
	}
	return 0;
}

int kms_consent_parse(struct ds_span text, const uint8_t *key, struct kms_listing *ret,
		      struct ds_err *err)
{
	struct kms_listing l = { 0 };

	if (text.n > KMS_CONSENT_MAX)
		return ds_err_set(err, -EFBIG, DOM, 0, "expected up to %u bytes", KMS_CONSENT_MAX);
	for (size_t no = 1; text.n; no++) {
		const uint8_t *nl = memchr(text.p, '\n', text.n);
		size_t n = nl ? (size_t)(nl - text.p) : text.n;

		if (parse_line(DS_SPAN(text.p, n), key, &l))
			return ds_err_set(err, -EBADMSG, DOM, 0,
					  "line %zu: expected 64 hex digits, then a name or nothing",
					  no);
		text = skip(text, nl ? n + 1 : n);
	}
	*ret = l;
	return 0;
}

int kms_consent_safe(const struct stat *st, uid_t keys, uid_t net, struct ds_err *err)
{
	/* what is root's, or ours where net is somebody else */
	bool own = st->st_uid == keys && keys != net;

	if (st->st_uid && !own)
		return ds_err_set(err, -EPERM, DOM, 0, "owner: expected user %u, got %u",
				  keys == net ? 0 : keys, st->st_uid);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return ds_err_set(err, -EPERM, DOM, 0,
				  "mode: expected no write for group and others, got %04o",
				  st->st_mode & 07777);
	return 0;
}

static int check(int fd, const struct kms_consent *c, mode_t kind, struct ds_err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if ((st.st_mode & S_IFMT) != kind)
		return ds_err_set(err, -EPERM, DOM, 0, "not a regular file");
	return kms_consent_safe(&st, c->keys, c->net, err);
}

static int read_text(const struct kms_consent *c, struct ds_buf *ret, struct ds_err *err)
{
	DS_FD int fd = openat(c->dirfd, c->name, KMS_CONSENT_FLAGS);

	if (fd < 0)
		return -errno;
	DS_TRY(check(fd, c, S_IFREG, err));
	return ds_read_fd(fd, KMS_CONSENT_MAX, ret);
}

/* What went wrong, with the path before it. */
static int named(int r, const char *path, const char *where, struct ds_err *err)
{
	char why[sizeof(err->msg)];

	if (!r || !err)
		return r;
	snprintf(why, sizeof(why), "%s", err->code ? err->msg : strerror(-r));
	return ds_err_set(err, r, DOM, 0, "replicate_to %s%s: %s", path, where, why);
}

int kms_consent_read(const struct kms_consent *c, const uint8_t *key, struct kms_listing *ret,
		     struct ds_err *err)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	int r;

	*err = DS_ERR_NULL;
	/* whoever may write the directory may put another file there */
	r = check(c->dirfd, c, S_IFDIR, err);
	if (r)
		return named(r, c->path, ", its directory", err);
	r = read_text(c, &text, err);
	if (!r)
		r = kms_consent_parse(ds_buf_span(&text), key, ret, err);
	return named(r, c->path, "", err);
}

/* Who net will be. Root could write any file, and read any memory. */
static int net_user(const struct kms_conf *conf, uid_t *ret, struct ds_err *err)
{
	const struct passwd *pw = conf->user ? getpwnam(conf->user) : NULL;

	if (conf->user && !pw)
		return ds_err_set(err, -EINVAL, DOM, 0, "user %s: does not exist", conf->user);
	*ret = pw ? pw->pw_uid : geteuid();
	return *ret ? 0
		    : ds_err_set(err, -EPERM, DOM, 0,
				 "replication = sealed needs user: a network process that is root "
				 "could write replicate_to");
}

static int open_dir(const char *path, const char *name)
{
	DS_FREE char *dir = name == path ? strdup(".") : strndup(path, (size_t)(name - path));

	return dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

int kms_consent_open(const struct kms_conf *conf, struct kms_consent *ret, struct ds_err *err)
{
	const char *path = conf->replicate_to, *slash = strrchr(path, '/');
	struct kms_consent c = { .path = path, .name = slash ? slash + 1 : path };
	struct kms_listing l;
	int r;

	c.keys = geteuid();
	DS_TRY(net_user(conf, &c.net, err));
	c.dirfd = open_dir(path, c.name);
	if (c.dirfd < 0)
		return ds_err_set(err, -errno, DOM, 0, "replicate_to %s: %s", path, strerror(errno));
	r = kms_consent_read(&c, NULL, &l, err);
	if (r) {
		kms_consent_close(&c);
		return r;
	}
	*ret = c;
	return 0;
}

void kms_consent_close(struct kms_consent *c)
{
	if (c->dirfd >= 0)
		close(c->dirfd);
	*c = KMS_CONSENT_NULL;
}
