// SPDX-License-Identifier: Apache-2.0
/* Instances on disk and their addresses, see store.h. */
#include <dirent.h>
#include <search.h>
#include <sys/stat.h>

#include <ds/base/file.h>
#include <ds/base/text.h>

#include "ids.h"
#include "store.h"

#define DOM	 "state"
#define FILE_MAX 8192u

struct ds_store {
	int dir; /* <dir>/instances */
	struct ds_ip4net range;
	struct ds_ip4net own;
	uint8_t *used; /* one bit per address of the range */
	size_t n_addrs;
	struct ds_gw_record **recs;
	size_t n, cap;
	void *by_instance, *by_key; /* tsearch(3) trees of records */
};

static int cmp_instance(const void *a, const void *b)
{
	return memcmp(((const struct ds_gw_record *)a)->in.instance_id,
		      ((const struct ds_gw_record *)b)->in.instance_id, DS_GW_ID_LEN);
}

static int cmp_key(const void *a, const void *b)
{
	return memcmp(((const struct ds_gw_record *)a)->public_key,
		      ((const struct ds_gw_record *)b)->public_key, DS_WG_KEY_LEN);
}

static struct ds_gw_record *find(void *tree, const struct ds_gw_record *like,
				 int (*cmp)(const void *, const void *))
{
	struct ds_gw_record **node = tfind(like, &tree, cmp);

	return node ? *node : NULL;
}

struct ds_gw_record *ds_store_by_instance(struct ds_store *s, const uint8_t id[DS_GW_ID_LEN])
{
	struct ds_gw_record like = { 0 };

	memcpy(like.in.instance_id, id, DS_GW_ID_LEN);
	return find(s->by_instance, &like, cmp_instance);
}

struct ds_gw_record *ds_store_by_key(struct ds_store *s, const uint8_t key[DS_WG_KEY_LEN])
{
	struct ds_gw_record like = { 0 };

	memcpy(like.public_key, key, DS_WG_KEY_LEN);
	return find(s->by_key, &like, cmp_key);
}

size_t ds_store_count(const struct ds_store *s)
{
	return s->n;
}

struct ds_gw_record *ds_store_at(struct ds_store *s, size_t index)
{
	return index < s->n ? s->recs[index] : NULL;
}

/* First and last address are network and broadcast; ours is ours. */
static bool grantable(const struct ds_store *s, uint32_t ip)
{
	size_t i = ip - s->range.addr;

	return ip >= s->range.addr && i > 0 && i < s->n_addrs - 1 &&
	       (!s->own.prefix || ip != s->own.addr);
}

static bool taken(const struct ds_store *s, uint32_t ip)
{
	size_t i = ip - s->range.addr;

	return s->used[i / 8] >> i % 8 & 1;
}

static void mark(struct ds_store *s, uint32_t ip, bool on)
{
	size_t i = ip - s->range.addr;

	if (!grantable(s, ip))
		return;
	if (on)
		s->used[i / 8] |= (uint8_t)(1u << i % 8);
	else
		s->used[i / 8] &= (uint8_t) ~(1u << i % 8);
}

static int pick_ip(const struct ds_store *s, uint32_t *ret)
{
	for (size_t i = 1; i + 1 < s->n_addrs; i++) {
		uint32_t ip = s->range.addr + (uint32_t)i;

		if (i % 8 == 0 && s->used[i / 8] == 0xff) {
			i += 7;
			continue;
		}
		if (grantable(s, ip) && !taken(s, ip)) {
			*ret = ip;
			return 0;
		}
	}
	return DS_STORE_E_POOL;
}

/* Take a new record in. On failure nothing has changed and rec is still the caller's. */
static int insert(struct ds_store *s, struct ds_gw_record *rec)
{
	if (s->n == DS_GW_MAX_INSTANCES)
		return DS_STORE_E_POOL;
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct ds_gw_record **p = reallocarray(s->recs, cap, sizeof(struct ds_gw_record *));

		if (!p)
			return -ENOMEM;
		s->recs = p;
		s->cap = cap;
	}
	if (!tsearch(rec, &s->by_instance, cmp_instance))
		return -ENOMEM;
	if (!tsearch(rec, &s->by_key, cmp_key)) {
		tdelete(rec, &s->by_instance, cmp_instance);
		return -ENOMEM;
	}
	rec->index = s->n;
	s->recs[s->n++] = rec;
	if (rec->in.ip)
		mark(s, rec->in.ip, true);
	return 0;
}

#define NAME_SIZE (2 * DS_GW_ID_LEN + sizeof(".json"))

static char *file_name(const struct ds_gw_record *rec, char out[NAME_SIZE])
{
	ds_hex_encode(rec->in.instance_id, DS_GW_ID_LEN, out);
	memcpy(out + 2 * DS_GW_ID_LEN, ".json", sizeof(".json"));
	return out;
}

static int load_one(struct ds_store *s, const char *name, struct ds_err *err)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	DS_FREE struct ds_gw_record *rec = calloc(1, sizeof(*rec));
	struct ds_err why = DS_ERR_NULL;
	char want[NAME_SIZE];
	const char *wrong = NULL;
	int r;

	if (!rec)
		return -ENOMEM;
	r = ds_read_file(s->dir, name, FILE_MAX, &text);
	if (r)
		return ds_err_set(err, r, DOM, 0, "%s: %s", name, strerror(-r));
	r = ds_gw_record_decode(ds_buf_span(&text), rec, &why);
	if (r)
		return ds_err_set(err, r, DOM, 0, "%s: %s", name, why.msg);
	if (strcmp(file_name(rec, want), name) != 0)
		wrong = "holds another instance_id than its name says";
	else if (ds_store_by_key(s, rec->public_key))
		wrong = "has the public_key of another instance";
	else if (grantable(s, rec->in.ip) && taken(s, rec->in.ip))
		wrong = "has the ip of another instance";
	if (wrong)
		return ds_err_set(err, -EBADMSG, DOM, 0, "%s: %s", name, wrong);
	if (!grantable(s,
		       rec->in.ip)) /* the range was changed: a new one at the next registration */
		rec->in.ip = 0;
	r = insert(s, rec);
	if (r)
		return r < 0 ? r
			     : ds_err_set(err, -ENOSPC, DOM, 0, "more than %u instances",
					  DS_GW_MAX_INSTANCES);
	rec = NULL;
	return 0;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && !strcmp(s + n - k, end);
}

static int load_all(struct ds_store *s, struct ds_err *err)
{
	int fd = openat(s->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (!r && (errno = 0, e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		if (ends_with(e->d_name, ".tmp")) /* a write that was cut short */
			r = unlinkat(s->dir, e->d_name, 0) ? -errno : 0;
		else
			r = load_one(s, e->d_name, err);
	}
	if (!r && errno)
		r = -errno;
	closedir(d);
	return r;
}

static int open_dir(struct ds_store *s, const char *dir)
{
	DS_FREE char *path = NULL;

	if ((mkdir(dir, 0700) && errno != EEXIST) || asprintf(&path, "%s/instances", dir) < 0) {
		path = NULL;
		return errno ? -errno : -ENOMEM;
	}
	if (mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	s->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return s->dir < 0 ? -errno : 0;
}

int ds_store_open(const char *dir, struct ds_ip4net range, struct ds_ip4net own,
		  struct ds_store **ret, struct ds_err *err)
{
	struct ds_store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->dir = -1;
	s->range = range;
	s->own = own;
	s->n_addrs = (size_t)1 << (32 - range.prefix);
	s->used = calloc((s->n_addrs + 7) / 8, 1);
	r = s->used ? open_dir(s, dir) : -ENOMEM;
	if (r)
		ds_err_set(err, r, DOM, 0, "%s: %s", dir, strerror(-r));
	else
		r = load_all(s, err);
	if (r) {
		ds_store_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct ds_store *ds_store_free(struct ds_store *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->n; i++) {
		tdelete(s->recs[i], &s->by_key, cmp_key);
		tdelete(s->recs[i], &s->by_instance, cmp_instance);
		free(s->recs[i]);
	}
	if (s->dir >= 0)
		close(s->dir);
	free(s->recs);
	free(s->used);
	free(s);
	return NULL;
}

static int save(struct ds_store *s, const struct ds_gw_record *rec)
{
	DS_BUF struct ds_buf text = DS_BUF_NULL;
	char name[NAME_SIZE];

	DS_TRY(ds_gw_record_encode(rec, &text));
	return ds_write_file_atomic(s->dir, file_name(rec, name), ds_buf_span(&text), 0600);
}

/* After a failure: the next start would otherwise find an instance that was never admitted. */
static void drop_file(struct ds_store *s, const struct ds_gw_record *rec)
{
	char name[NAME_SIZE];

	if (unlinkat(s->dir, file_name(rec, name), 0))
		abort();
}

/* The record as it would be after req. */
static void merge(struct ds_gw_record *rec, const struct ds_gw_request *req, int64_t now)
{
	if (memcmp(rec->public_key, req->public_key, DS_WG_KEY_LEN) != 0) {
		memcpy(rec->public_key, req->public_key, DS_WG_KEY_LEN);
		rec->reg_time = now;
		rec->wg_ready = false;
		rec->in.fresh = 0;
	}
	memcpy(rec->compose_hash, req->compose_hash, sizeof(rec->compose_hash));
	if (!req->has_policy)
		return;
	rec->in.restricted = req->restricted;
	rec->in.n_ports = req->n_ports;
	memset(rec->in.ports, 0, sizeof(rec->in.ports));
	memcpy(rec->in.ports, req->ports, req->n_ports * sizeof(req->ports[0]));
}

static int create(struct ds_store *s, struct ds_gw_record *new, struct ds_gw_record **ret)
{
	DS_FREE struct ds_gw_record *rec = malloc(sizeof(*rec));
	int r;

	if (!rec)
		return -ENOMEM;
	if (s->n == DS_GW_MAX_INSTANCES)
		return DS_STORE_E_POOL;
	*rec = *new;
	DS_TRY(save(s, rec));
	r = insert(s, rec);
	if (r) {
		drop_file(s, rec);
		return r;
	}
	*ret = rec;
	rec = NULL;
	return 0;
}

/* Durable first; the tree of keys is the only index that can change. */
static int update(struct ds_store *s, struct ds_gw_record *rec, const struct ds_gw_record *new)
{
	bool rekey = memcmp(rec->public_key, new->public_key, DS_WG_KEY_LEN) != 0;

	DS_TRY(save(s, new));
	if (rec->in.ip && rec->in.ip != new->in.ip)
		mark(s, rec->in.ip, false);
	mark(s, new->in.ip, true);
	if (rekey)
		tdelete(rec, &s->by_key, cmp_key);
	*rec = *new;
	if (rekey && !tsearch(rec, &s->by_key, cmp_key))
		abort(); /* the node just freed is there again; without it the table would lie */
	return 0;
}

int ds_store_register(struct ds_store *s, const struct ds_gw_request *req, int64_t now,
		      struct ds_gw_record **ret, uint8_t ret_old_key[DS_WG_KEY_LEN],
		      bool *ret_changed)
{
	struct ds_gw_record *rec = ds_store_by_instance(s, req->instance_id);
	struct ds_gw_record *holder = ds_store_by_key(s, req->public_key);
	struct ds_gw_record new = { 0 };

	if (holder && holder != rec)
		return DS_STORE_E_OTHER_INSTANCE;
	if (rec && memcmp(rec->in.app_id, req->app_id, DS_GW_ID_LEN) != 0)
		return DS_STORE_E_OTHER_APP;
	if (rec)
		new = *rec;
	memcpy(new.in.instance_id, req->instance_id, DS_GW_ID_LEN);
	memcpy(new.in.app_id, req->app_id, DS_GW_ID_LEN);
	merge(&new, req, now);
	if (!new.in.ip) {
		DS_TRY(pick_ip(s, &new.in.ip));
		new.wg_ready = false;
	}
	memset(ret_old_key, 0, DS_WG_KEY_LEN);
	*ret_changed = !rec || memcmp(rec, &new, sizeof(new)) != 0;
	if (rec && *ret_changed && memcmp(rec->public_key, new.public_key, DS_WG_KEY_LEN) != 0)
		memcpy(ret_old_key, rec->public_key, DS_WG_KEY_LEN);
	if (!rec)
		return create(s, &new, ret);
	if (*ret_changed)
		DS_TRY(update(s, rec, &new));
	*ret = rec;
	return 0;
}
