// SPDX-License-Identifier: Apache-2.0
/*
 * WireGuard side of the control process: our interface, one peer per instance, freshness; see
 * ctl.h, spec/gateway 2.2.
 */
#include <event2/event.h>
#include <time.h>

#include <ds/base/file.h>
#include <ds/base/log.h>
#include <ds/base/text.h>
#include <ds/crypto/x25519.h>
#include <ds/net/link.h>

#include "ctl.h"

#define DOM	  "wireguard"
#define KEEPALIVE 25 /* spec/gateway 2.2 */
#define MTU	  1420
#define POLL_S	  10
#define FRESH_S	  (30 * 60)		     /* spec/gateway 1.5 */
#define KEY_TEXT  DS_B64_SIZE(DS_WG_KEY_LEN) /* text and newline */

static int new_key(const char *path, struct ds_secret **ret)
{
	DS_SECRET struct ds_secret *key = NULL, *text = ds_secret_new(KEY_TEXT);
	uint8_t pub[DS_WG_KEY_LEN];

	if (!text)
		return -ENOMEM;
	DS_TRY(ds_x25519_keygen(&key, pub));
	ds_b64_encode(key->p, key->n, (char *)text->p);
	text->p[KEY_TEXT - 1] = '\n';
	DS_TRY(ds_write_file_atomic(AT_FDCWD, path, DS_SPAN(text->p, KEY_TEXT), 0600));
	*ret = key;
	key = NULL;
	return 0;
}

static int read_key(const char *path, struct ds_secret **ret, struct ds_err *err)
{
	DS_SECRET struct ds_secret *text = NULL, *key = ds_secret_new(DS_WG_KEY_LEN);
	size_t n, got = 0;

	if (!key)
		return -ENOMEM;
	DS_TRY(ds_read_file_secret(AT_FDCWD, path, KEY_TEXT, &text));
	n = text->n && text->p[text->n - 1] == '\n' ? text->n - 1 : text->n;
	if (ds_b64_decode((const char *)text->p, n, key->p, key->n, &got) || got != DS_WG_KEY_LEN)
		return ds_err_set(err, -EBADMSG, DOM, 0, "%s: expected base64 of 32 bytes", path);
	*ret = key;
	key = NULL;
	return 0;
}

/* Ours for good: instances know its public half. */
static int load_key(struct ctl *c, struct ds_secret **ret, struct ds_err *err)
{
	DS_FREE char *path = NULL;
	int r;

	if (asprintf(&path, "%s/wireguard.key", c->conf->state_dir) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = read_key(path, ret, err);
	if (r == -ENOENT)
		r = new_key(path, ret);
	if (r && !err->code)
		return ds_err_set(err, r, DOM, 0, "%s: %s", path, strerror(-r));
	return r ? r : ds_x25519_pub((*ret)->p, c->wg_public);
}

static struct ds_wg_peer peer_of(const struct ds_gw_record *rec)
{
	struct ds_wg_peer p = { .keepalive = KEEPALIVE,
				.n_allowed = 1,
				.allowed = { { rec->in.ip, 32 } } };

	memcpy(p.public_key, rec->public_key, DS_WG_KEY_LEN);
	return p;
}

int ctl_wg_set(struct ctl *c, struct ds_gw_record *rec, const uint8_t old_key[DS_WG_KEY_LEN])
{
	static const uint8_t zero[DS_WG_KEY_LEN];
	struct ds_wg_peer peer = peer_of(rec);

	if (!c->wg) {
		rec->in.fresh = 1;
		rec->wg_ready = true;
		return 0;
	}
	if (memcmp(old_key, zero, DS_WG_KEY_LEN) != 0)
		DS_TRY(ds_wg_remove_peer(c->wg, c->conf->wg_interface, old_key));
	if (rec->wg_ready)
		return 0;
	DS_TRY(ds_wg_set_peers(c->wg, c->conf->wg_interface, &peer, 1, false));
	rec->wg_ready = true;
	return 0;
}

static bool peer_matches(const struct ds_wg_peer *p, const struct ds_gw_record *rec)
{
	return rec && rec->in.ip && p->n_allowed == 1 && p->allowed[0].addr == rec->in.ip &&
	       p->allowed[0].prefix == 32 && p->keepalive == KEEPALIVE;
}

/*
 * After a start: sessions of peers that are right go on, what does not belong goes, what is
 * missing comes.
 */
static int sync_peers(struct ctl *c)
{
	DS_WG_STATUS struct ds_wg_status st = { 0 };
	static const uint8_t none[DS_WG_KEY_LEN];

	DS_TRY(ds_wg_get(c->wg, c->conf->wg_interface, &st));
	for (size_t i = 0; i < st.n_peers; i++) {
		struct ds_gw_record *rec = ds_store_by_key(c->store, st.peers[i].public_key);

		if (peer_matches(&st.peers[i], rec))
			rec->wg_ready = true;
		else
			DS_TRY(ds_wg_remove_peer(c->wg, c->conf->wg_interface,
						 st.peers[i].public_key));
	}
	for (size_t i = 0; i < ds_store_count(c->store); i++) {
		struct ds_gw_record *rec = ds_store_at(c->store, i);

		if (rec->in.ip && !rec->wg_ready)
			DS_TRY(ctl_wg_set(c, rec, none));
	}
	return 0;
}

static void on_poll(evutil_socket_t fd, short what, void *arg)
{
	DS_WG_STATUS struct ds_wg_status st = { 0 };
	struct ctl *c = arg;
	int64_t now = time(NULL);
	int r = ds_wg_get(c->wg, c->conf->wg_interface, &st);

	if (r) {
		ds_log(DS_LOG_ERR, "event=wireguard-poll error=\"%s\"", strerror(-r));
		return;
	}
	for (size_t i = 0; i < st.n_peers; i++) {
		struct ds_gw_record *rec = ds_store_by_key(c->store, st.peers[i].public_key);
		uint8_t fresh = st.peers[i].last_handshake &&
				now - st.peers[i].last_handshake < FRESH_S;

		if (!rec || rec->in.fresh == fresh)
			continue;
		rec->in.fresh = fresh;
		ctl_push_record(c, rec);
	}
}

static int bring_up(struct ctl *c, const struct ds_secret *key)
{
	const char *name = c->conf->wg_interface;
	DS_LINK struct ds_link *link = NULL;
	int r;

	DS_TRY(ds_link_open(&link));
	r = ds_link_create(link, name, "wireguard");
	if (r && r != -EEXIST)
		return r;
	DS_TRY(ds_wg_open(&c->wg));
	DS_TRY(ds_wg_set_device(c->wg, name, key, c->conf->wg_port));
	DS_TRY(ds_link_add_address(link, name, c->conf->wg_ip));
	DS_TRY(ds_link_up(link, name, MTU));
	return sync_peers(c);
}

int ctl_wg_start(struct ctl *c, struct ds_err *err)
{
	struct timeval every = { .tv_sec = POLL_S };
	DS_SECRET struct ds_secret *key = NULL;
	int r;

	if (!c->conf->wg_enabled) {
		ds_log(DS_LOG_WARN, "event=wireguard state=off note=\"instances are reached "
				    "without a tunnel: for tests only\"");
		for (size_t i = 0; i < ds_store_count(c->store); i++)
			ds_store_at(c->store, i)->in.fresh = ds_store_at(c->store, i)->wg_ready =
				true;
		return 0;
	}
	DS_TRY(load_key(c, &key, err));
	r = bring_up(c, key);
	if (r)
		return ds_err_set(err, r, DOM, 0, "interface %s: %s", c->conf->wg_interface,
				  strerror(-r));
	c->wg_poll = event_new(ds_loop_base(c->loop), -1, EV_PERSIST, on_poll, c);
	return !c->wg_poll || event_add(c->wg_poll, &every) ? -ENOMEM : 0;
}

void ctl_wg_stop(struct ctl *c)
{
	if (c->wg_poll)
		event_free(c->wg_poll);
	c->wg_poll = NULL;
	c->wg = ds_wg_close(c->wg);
}
