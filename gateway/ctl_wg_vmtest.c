// SPDX-License-Identifier: Apache-2.0
/*
 * The control process's WireGuard side against a real kernel: a static program for tests/vm. Takes
 * the place of ctl_push.c. Prints TAP.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <sys/stat.h>

#include <ds/base/file.h>
#include <ds/crypto/x25519.h>
#include <ds/net/link.h>

#include "ctl.h"

#define DIR "/tmp/gw"
#define IF  "wg-ds-gw"

static int count;
static bool failed;
static const struct ds_gw_record *pushed;

static void result(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++count, what);
	fflush(stdout);
	failed |= !good;
}

static void is(int got, int want, const char *what)
{
	result(got == want, what);
	if (got != want)
		printf("# got %d (%s), expected %d\n", got, strerror(abs(got)), want);
}

/* The poll has seen a handshake. */
void ctl_push_record(struct ctl *c, const struct ds_gw_record *rec)
{
	pushed = rec;
	ds_loop_stop(c->loop, 0);
}

static void too_late(evutil_socket_t fd, short what, void *arg)
{
	struct ctl *c = arg;

	ds_loop_stop(c->loop, 1);
}

static struct ds_gw_conf conf = {
	.state_dir = (char *)DIR,
	.wg_enabled = true,
	.wg_interface = (char *)IF,
	.wg_port = 51820,
	.wg_ip = { 0x0a080001, 16 },
	.client_range = { 0x0a088000, 24 },
};

/* A control process as far as this test needs one. */
static int start(struct ctl *c, struct ds_err *err)
{
	*c = (struct ctl){ .conf = &conf };
	*err = DS_ERR_NULL;
	DS_TRY(ds_loop_new(&c->loop));
	DS_TRY(ds_store_open(DIR, conf.client_range, conf.wg_ip, &c->store, err));
	return ctl_wg_start(c, err);
}

static void stop(struct ctl *c)
{
	ctl_wg_stop(c);
	c->store = ds_store_free(c->store);
	c->loop = ds_loop_free(c->loop);
}

static int join(struct ctl *c, uint8_t instance, const uint8_t key[DS_WG_KEY_LEN],
		struct ds_gw_record **rec)
{
	struct ds_gw_request q = { .has_instance = true };
	uint8_t old[DS_WG_KEY_LEN];
	bool changed;

	memset(q.instance_id, instance, DS_GW_ID_LEN);
	memcpy(q.public_key, key, DS_WG_KEY_LEN);
	DS_TRY(ds_store_register(c->store, &q, 1, rec, old, &changed));
	return ctl_wg_set(c, *rec, old);
}

/* How many peers there are, and whether each of keys[i] has exactly this address. */
static bool peers_are(struct ctl *c, size_t n, const uint8_t (*keys)[DS_WG_KEY_LEN],
		      const uint32_t *ips)
{
	DS_WG_STATUS struct ds_wg_status st = { 0 };
	size_t good = 0;

	if (ds_wg_get(c->wg, IF, &st))
		return false;
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < st.n_peers; k++)
			good += !memcmp(st.peers[k].public_key, keys[i], DS_WG_KEY_LEN) &&
				st.peers[k].n_allowed == 1 &&
				st.peers[k].allowed[0].addr == ips[i] &&
				st.peers[k].allowed[0].prefix == 32 && st.peers[k].keepalive == 25;
	return st.n_peers == n && good == n;
}

static void first_start(struct ctl *c, uint8_t keys[3][DS_WG_KEY_LEN])
{
	static const uint32_t ips[] = { 0x0a088001, 0x0a088002 };
	DS_WG_STATUS struct ds_wg_status st = { 0 };
	struct ds_gw_record *rec = NULL;
	struct ds_err err;
	struct stat sb = { 0 };
	int r = start(c, &err);

	is(r, 0, "the interface comes up");
	if (r)
		printf("# %s\n", err.msg);
	is(stat(DIR "/wireguard.key", &sb) ? -errno : (int)(sb.st_mode & 0777), 0600,
	   "its key is on disk, for us only");
	is(ds_wg_get(c->wg, IF, &st), 0, "it can be read");
	is(st.listen_port, 51820, "it has its port");
	result(!memcmp(st.public_key, c->wg_public, DS_WG_KEY_LEN),
	       "and the key we tell instances");
	is(join(c, 1, keys[0], &rec), 0, "an instance");
	is(join(c, 2, keys[1], &rec), 0, "another one");
	result(peers_are(c, 2, (const uint8_t(*)[DS_WG_KEY_LEN])keys, ips), "are peers");
	memcpy(keys[0], keys[2], DS_WG_KEY_LEN);
	is(join(c, 1, keys[0], &rec), 0, "the first gets a new key");
	result(peers_are(c, 2, (const uint8_t(*)[DS_WG_KEY_LEN])keys, ips),
	       "the old one is no peer any more");
}

/* What somebody did to the interface while we were not there is undone, the rest is left alone. */
static void second_start(struct ctl *c, uint8_t keys[3][DS_WG_KEY_LEN])
{
	static const uint32_t ips[] = { 0x0a088001, 0x0a088002 };
	struct ds_wg_peer stray = { .keepalive = 25,
				    .n_allowed = 1,
				    .allowed = { { 0x0a088001, 32 } } };
	struct ds_wg_peer wide = { .keepalive = 25, .n_allowed = 1, .allowed = { { 0, 0 } } };
	uint8_t pub[DS_WG_KEY_LEN];
	DS_WG struct ds_wg *wg = NULL;
	struct ds_err err;

	memcpy(pub, c->wg_public, sizeof(pub));
	stop(c);
	memset(stray.public_key, 0x77, DS_WG_KEY_LEN);
	memcpy(wide.public_key, keys[1], DS_WG_KEY_LEN);
	is(ds_wg_open(&wg), 0, "meanwhile");
	is(ds_wg_set_peers(wg, IF, &stray, 1, false), 0, "a stray peer takes an address");
	is(ds_wg_set_peers(wg, IF, &wide, 1, false), 0, "another one takes all");
	is(start(c, &err), 0, "the second start");
	result(!memcmp(pub, c->wg_public, sizeof(pub)), "has the same key");
	result(peers_are(c, 2, (const uint8_t(*)[DS_WG_KEY_LEN])keys, ips), "and makes it right");
}

static void bad_starts(struct ctl *c)
{
	struct ds_err err;

	stop(c);
	conf.wg_interface = (char *)"lo";
	result(start(c, &err) < 0 && strstr(err.msg, "interface lo"), "not a WireGuard interface");
	stop(c);
	conf.wg_interface = (char *)IF;
	is(ds_write_file_atomic(AT_FDCWD, DIR "/wireguard.key", DS_SPAN_LIT("AAAA\n"), 0600), 0,
	   "a damaged key file");
	result(start(c, &err) == -EBADMSG && strstr(err.msg, "wireguard.key"), "is named");
	stop(c);
	is(unlink(DIR "/wireguard.key"), 0, "without the file");
	is(start(c, &err), 0, "there is a new key");
}

/* A guest on this machine: keepalive makes it shake hands, the next poll sees that. */
static void freshness(struct ctl *c, const struct ds_secret *key, const uint8_t pub[DS_WG_KEY_LEN])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(51820),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct ds_wg_peer gw = { .has_endpoint = true, .endpoint = at, .keepalive = 1 };
	struct timeval limit = { .tv_sec = 40 };
	DS_LINK struct ds_link *l = NULL;
	struct ds_gw_record *rec = NULL;
	struct event *timer = event_new(ds_loop_base(c->loop), -1, 0, too_late, c);

	memcpy(gw.public_key, c->wg_public, DS_WG_KEY_LEN);
	is(join(c, 9, pub, &rec), 0, "an instance that lives");
	result(rec && !rec->in.fresh, "it has not shaken hands yet");
	is(ds_link_open(&l), 0, "its side");
	is(ds_link_create(l, "guest", "wireguard"), 0, "has a link");
	is(ds_wg_set_device(c->wg, "guest", key, 9182), 0, "its key");
	is(ds_link_up(l, "guest", 0), 0, "is up");
	is(ds_wg_set_peers(c->wg, "guest", &gw, 1, true), 0, "and knows the gateway");
	is(!timer || event_add(timer, &limit) ? -ENOMEM : ds_loop_run(c->loop), 0,
	   "the poll pushes a record");
	result(pushed == rec && rec->in.fresh, "the one that is fresh now");
	event_free(timer);
}

int main(void)
{
	uint8_t keys[3][DS_WG_KEY_LEN], pub[DS_WG_KEY_LEN];
	DS_SECRET struct ds_secret *key = NULL;
	DS_LINK struct ds_link *l = NULL;
	struct ctl c;

	for (uint8_t i = 0; i < 3; i++)
		memset(keys[i], 0x10 + i, DS_WG_KEY_LEN);
	is(ds_x25519_keygen(&key, pub), 0, "a key");
	is(ds_link_open(&l), 0, "rtnetlink");
	is(ds_link_up(l, "lo", 0), 0, "lo is up");
	first_start(&c, keys);
	second_start(&c, keys);
	bad_starts(&c);
	freshness(&c, key, pub);
	stop(&c);
	printf("1..%d\n", count);
	return failed;
}
