// SPDX-License-Identifier: Apache-2.0
/*
 * Test of links, routes and WireGuard against a real kernel: a static program for tests/vm (pid 1
 * has mounted /proc and /sys; nothing else runs). Prints TAP. The tunnel is between this network
 * namespace and one of a child: a WireGuard link keeps sending from the namespace it was made in,
 * so both ends meet on the loopback link.
 */
#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <ds/crypto/x25519.h>
#include <ds/net/link.h>
#include <ds/net/wg.h>

#include "nl.h"

#define PORT_A 51820
#define PORT_B 51821
#define IP_A   0x0a080001u /* 10.8.0.1 */
#define IP_B   0x0a080002u
#define TCP    7000

static int count;
static bool failed;

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

static struct sockaddr_in addr(uint32_t ip, uint16_t port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(ip) };
}

static struct ds_wg_peer peer(uint8_t fill, uint32_t ip)
{
	struct ds_wg_peer p = { .keepalive = 25, .n_allowed = 1, .allowed = { { ip, 32 } } };

	memset(p.public_key, fill, sizeof(p.public_key));
	return p;
}

static const struct ds_wg_peer *find(const struct ds_wg_status *st,
				     const uint8_t key[DS_WG_KEY_LEN])
{
	for (size_t i = 0; i < st->n_peers; i++)
		if (!memcmp(st->peers[i].public_key, key, DS_WG_KEY_LEN))
			return &st->peers[i];
	return NULL;
}

static void links(struct ds_link *l)
{
	struct ds_ip4net a = { IP_A, 16 }, dst = { 0x0a090000, 24 }, all = { 0, 0 };

	is(ds_link_up(l, "lo", 0), 0, "lo comes up");
	is(ds_link_create(l, "wg0", "wireguard"), 0, "a WireGuard link is made");
	is(ds_link_create(l, "wg0", "wireguard"), -EEXIST, "its name is taken then");
	is(ds_link_create(l, "x0", "no-such-kind"), -EOPNOTSUPP, "an unknown kind is refused");
	is(ds_link_up(l, "none0", 0), -ENODEV, "no link to bring up");
	is(ds_link_delete(l, "none0"), -ENODEV, "no link to delete");
	is(ds_link_add_address(l, "none0", a), -ENODEV, "no link to give an address");
	is(ds_link_set_route(l, "wg0", dst, 0), -ENETDOWN, "no route over a link that is down");
	is(ds_link_add_address(l, "wg0", a), 0, "address");
	is(ds_link_add_address(l, "wg0", a), 0, "the same address again");
	is(ds_link_up(l, "wg0", 1400), 0, "up with an MTU");
	is(ds_link_set_route(l, "wg0", dst, 0), 0, "route on the link");
	is(ds_link_set_route(l, "wg0", dst, IP_B), 0, "the same route through a gateway");
	is(ds_link_set_route(l, "wg0", all, IP_B), 0, "default route");
	is(ds_link_set_route(l, "wg0", dst, 0x01020304), -ENETUNREACH,
	   "a gateway that is on no link");
	is(ds_link_set_route(l, "wg0", dst, IP_B + 1), 0, "another gateway");
}

/* /proc/net/route: interface, destination and gateway in little-endian hex. */
static bool has_route(const char *want)
{
	DS_FILE FILE *f = fopen("/proc/net/route", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, want, strlen(want)))
			return true;
	return false;
}

static void devices(struct ds_wg *wg, const struct ds_secret *key, const uint8_t pub[32])
{
	DS_WG_STATUS struct ds_wg_status st = { 0 };
	DS_SECRET struct ds_secret *shorter = ds_secret_new(31);
	struct ds_wg_status none = { 0 };

	is(ds_wg_set_device(wg, "none0", key, PORT_A), -ENODEV, "no device to set");
	is(ds_wg_get(wg, "none0", &none), -ENODEV, "no device to read");
	is(ds_wg_get(wg, "lo", &none), -EOPNOTSUPP, "not a WireGuard device");
	is(ds_wg_set_device(wg, "wg0", shorter, PORT_A), -EINVAL, "a key of 31 bytes");
	is(ds_wg_set_device(wg, "wg0", key, 65536), -EINVAL, "port 65536");
	is(ds_wg_set_device(wg, "averyveryverylongname", key, PORT_A), -EINVAL,
	   "a name that is too long");
	is(ds_wg_set_device(wg, "wg0", key, PORT_A), 0, "key and port");
	is(ds_wg_get(wg, "wg0", &st), 0, "read back");
	result(!memcmp(st.public_key, pub, 32), "the public key is the one we computed");
	is(st.listen_port, PORT_A, "the port is ours");
	is((int)st.n_peers, 0, "no peers yet");
}

static void peers(struct ds_wg *wg)
{
	enum { N = 200 };
	DS_WG_STATUS struct ds_wg_status st = { 0 };
	struct ds_wg_peer p[N], one = peer(5, IP_B);
	size_t good = 0;

	for (size_t i = 0; i < N; i++) {
		p[i] = peer((uint8_t)(i + 1), 0x0a080100u + (uint32_t)i);
		p[i].has_endpoint = i % 2;
		p[i].endpoint = addr(0x0a000001, (uint16_t)(1000 + i));
	}
	is(ds_wg_set_peers(wg, "wg0", p, N, true), 0, "200 peers, more than one message holds");
	is(ds_wg_get(wg, "wg0", &st), 0, "read back");
	for (size_t i = 0; i < N; i++) {
		const struct ds_wg_peer *g = find(&st, p[i].public_key);

		good += g && g->keepalive == 25 && g->n_allowed == 1 &&
			g->allowed[0].addr == p[i].allowed[0].addr && g->allowed[0].prefix == 32 &&
			g->has_endpoint == p[i].has_endpoint && !g->last_handshake &&
			(!g->has_endpoint || g->endpoint.sin_port == p[i].endpoint.sin_port);
	}
	is((int)good, N, "every field of every peer");
	ds_wg_status_done(&st);
	is(ds_wg_set_peers(wg, "wg0", &one, 1, false), 0, "one peer changed");
	is(ds_wg_remove_peer(wg, "wg0", p[0].public_key), 0, "one peer removed");
	is(ds_wg_remove_peer(wg, "wg0", p[0].public_key), 0, "and again, which is no error");
	is(ds_wg_get(wg, "wg0", &st), 0, "read back");
	is((int)st.n_peers, N - 1, "the others are still there");
	result(!find(&st, p[0].public_key), "the removed one is not");
	result(find(&st, one.public_key) && find(&st, one.public_key)->allowed[0].addr == IP_B &&
		       find(&st, one.public_key)->n_allowed == 1,
	       "allowed networks are replaced, not added");
	ds_wg_status_done(&st);
	is(ds_wg_set_peers(wg, "wg0", NULL, 0, true), 0, "all removed");
	is(ds_wg_get(wg, "wg0", &st), 0, "read back");
	is((int)st.n_peers, 0, "no peer left");
}

/* Give a link to the namespace of this process. */
static int move(const char *name, pid_t pid)
{
	struct ifinfomsg ifi = { .ifi_index = (int)if_nametoindex(name) };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, 0);
	struct nl_sock *sk = NULL;
	int r;

	if (!msg || nlmsg_append(msg, &ifi, sizeof(ifi), NLMSG_ALIGNTO) < 0 ||
	    nla_put_u32(msg, IFLA_NET_NS_PID, (uint32_t)pid) < 0)
		return -ENOMEM;
	r = ds_nl_open(NETLINK_ROUTE, &sk);
	if (r)
		return r;
	r = ds_nl_talk(sk, msg, NULL, NULL);
	nl_socket_free(sk);
	return r;
}

/* The other end: an echo of one connection over the tunnel. Exit status says how far it came. */
static int child(int start, int ready)
{
	struct sockaddr_in sa = addr(IP_B, TCP);
	DS_LINK struct ds_link *l = NULL;
	int s, c;
	char b[64];
	ssize_t n;

	if (unshare(CLONE_NEWNET) || write(ready, "x", 1) != 1 || read(start, b, 1) != 1)
		return 10;
	if (ds_link_open(&l) || ds_link_add_address(l, "wg1", (struct ds_ip4net){ IP_B, 16 }) ||
	    ds_link_up(l, "wg1", 0))
		return 11;
	s = socket(AF_INET, SOCK_STREAM, 0);
	if (s < 0 || bind(s, (struct sockaddr *)&sa, sizeof(sa)) || listen(s, 1) ||
	    write(ready, "y", 1) != 1)
		return 12;
	c = accept(s, NULL, NULL);
	n = c < 0 ? -1 : read(c, b, sizeof(b));
	return n > 0 && write(c, b, (size_t)n) == n ? 0 : 13;
}

static void tunnel(struct ds_link *l, struct ds_wg *wg, const uint8_t pub_a[32])
{
	struct sockaddr_in to = addr(IP_B, TCP);
	DS_SECRET struct ds_secret *key_b = NULL;
	DS_WG_STATUS struct ds_wg_status st = { 0 };
	struct ds_wg_peer a = peer(0, IP_A), b = peer(0, IP_B);
	const struct ds_wg_peer *seen;
	int start[2], ready[2], s, status = -1;
	int64_t handshake = 0;
	char x[16] = "";
	pid_t pid;

	if (pipe(start) || pipe(ready) || ds_x25519_keygen(&key_b, b.public_key)) {
		result(false, "set-up");
		return;
	}
	pid = fork();
	if (!pid)
		_exit(child(start[0], ready[1]));
	memcpy(a.public_key, pub_a, 32);
	a.has_endpoint = b.has_endpoint = true;
	a.endpoint = addr(INADDR_LOOPBACK, PORT_A);
	b.endpoint = addr(INADDR_LOOPBACK, PORT_B);
	is((int)read(ready[0], x, 1), 1, "the child has its namespace");
	is(ds_link_create(l, "wg1", "wireguard"), 0, "second link");
	is(ds_wg_set_device(wg, "wg1", key_b, PORT_B), 0, "its key and port");
	is(ds_wg_set_peers(wg, "wg1", &a, 1, true), 0, "its peer");
	is(ds_wg_set_peers(wg, "wg0", &b, 1, true), 0, "and the other way round");
	is(move("wg1", pid), 0, "moved to the child");
	result(write(start[1], "x", 1) == 1 && read(ready[0], x, 1) == 1,
	       "the child listens on the tunnel");
	s = socket(AF_INET, SOCK_STREAM, 0);
	is(connect(s, (struct sockaddr *)&to, sizeof(to)) ? -errno : 0, 0,
	   "connection through the tunnel");
	result(write(s, "through", 7) == 7 && read(s, x, sizeof(x)) == 7 &&
		       !memcmp(x, "through", 7),
	       "and data");
	is(ds_wg_get(wg, "wg0", &st), 0, "read the peer");
	seen = find(&st, b.public_key);
	handshake = seen ? seen->last_handshake : 0;
	result(seen && seen->last_handshake > 0 && seen->rx_bytes > 100 && seen->tx_bytes > 100,
	       "handshake time and counters");
	ds_wg_status_done(&st);
	is(ds_wg_set_peers(wg, "wg0", &b, 1, false), 0, "the same peer set again");
	is(ds_wg_get(wg, "wg0", &st), 0, "read the peer");
	seen = find(&st, b.public_key);
	result(seen && seen->last_handshake == handshake, "keeps its session");
	close(s);
	result(waitpid(pid, &status, 0) == pid && status == 0, "the child is content");
	if (status)
		printf("# child status %x\n", (unsigned int)status);
}

int main(void)
{
	DS_SECRET struct ds_secret *key = NULL;
	DS_LINK struct ds_link *l = NULL;
	DS_WG struct ds_wg *wg = NULL;
	uint8_t pub[32] = { 0 };

	is(ds_link_open(&l), 0, "rtnetlink");
	is(ds_wg_open(&wg), 0, "the WireGuard family");
	is(ds_x25519_keygen(&key, pub), 0, "a key");
	if (failed)
		return 1;
	links(l);
	result(has_route("wg0\t0000090A\t0300080A\t"),
	       "the route's last gateway is the one that counts");
	result(!has_route("wg0\t0000090A\t0200080A\t"), "and the former one is gone");
	devices(wg, key, pub);
	peers(wg);
	tunnel(l, wg, pub);
	is(ds_link_delete(l, "wg0"), 0, "link deleted");
	printf("1..%d\n", count);
	return failed;
}
