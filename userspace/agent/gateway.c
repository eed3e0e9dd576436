// SPDX-License-Identifier: Apache-2.0
/*
 * dstack-agent gateway: register this instance and keep the WireGuard tunnel configured. A process
 * of its own, because it waits: its failure never touches the guest API. Not being registered is
 * reported and retried, never fatal.
 */
#include <ds/base/log.h>
#include <ds/base/text.h>
#include <ds/crypto/x25519.h>
#include <ds/net/gwreg.h>
#include <ds/net/link.h>
#include <ds/net/loop.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdarg.h>
#include <malloc.h>

#include "agent.h"

#define LISTEN_PORT  9182
#define AGAIN_MS     180000
#define RETRY_MIN_MS 2000
#define RETRY_MAX_MS 120000

struct gw {
	struct agent_config cfg;
	struct ds_secret *private_key;
	uint8_t public_key[32];
	struct ds_p256 *tls_key;
	struct ds_buf chain_pem;
	uint32_t client_ip; /* configured on the interface; 0 none */
};

static void status(const char *fmt, ...) DS_PRINTF(1, 2);
static void status(const char *fmt, ...)
{
	char text[300] = "STATUS=gateway: ";
	size_t n = strlen(text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	va_end(ap);
	ds_log(DS_LOG_INFO, "what=gateway status=\"%s\"", text + n);
	if (ds_notify(text))
		ds_log(DS_LOG_WARN, "what=notify error=failed");
}

static void wipe_buf(struct ds_buf *b)
{
	ds_wipe(b->p, b->cap);
	ds_buf_done(b);
}

/* The client certificate comes from our own agent, with identity and evidence inside. */
static int get_certificate(struct gw *g, struct ds_err *err)
{
	DS_CLEANUP(wipe_buf) struct ds_buf reply = DS_BUF_NULL;
	DS_JSON json_t *o = NULL;
	const json_t *chain;
	const char *key;

	DS_TRY(agent_call(AGENT_SOCKET, "GetTlsKey",
			  DS_SPAN_LIT("{\"subject\":\"dstack-guest\",\"usage_client_auth\":true,"
				      "\"usage_ra_tls\":true,"
				      "\"with_app_info\":true}"),
			  &reply, err));
	o = json_loadb((const char *)reply.p, reply.n, JSON_REJECT_DUPLICATES, NULL);
	key = json_string_value(json_object_get(o, "key"));
	chain = json_object_get(o, "certificate_chain");
	if (!key || !json_array_size(chain))
		return ds_err_set(err, -EBADMSG, "agent", 0, "GetTlsKey: key and chain expected");
	DS_TRY(ds_p256_from_pem(DS_SPAN_STR(key), &g->tls_key, err));
	for (size_t i = 0; i < json_array_size(chain); i++) {
		const char *pem = json_string_value(json_array_get(chain, i));

		DS_TRY(pem ? ds_buf_addf(&g->chain_pem, "%s", pem) : -EBADMSG);
	}
	return 0;
}

static int make_body(struct gw *g, struct ds_buf *ret)
{
	char b64[DS_B64_SIZE(32)];
	DS_JSON json_t *compose =
		json_loadb((const char *)g->cfg.compose.p, g->cfg.compose.n, 0, NULL);
	json_t *policy = json_object_get(compose, "port_policy");
	DS_JSON json_t *o =
		json_pack("{s:s}", "client_public_key", ds_b64_encode(g->public_key, 32, b64));
	char *s;
	int r;

	if (!o || (policy && json_object_set(o, "port_policy", policy)))
		return -ENOMEM;
	s = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
	r = s ? ds_buf_add_span(ret, DS_SPAN_STR(s)) : -ENOMEM;
	free(s);
	return r;
}

static int register_at(struct gw *g, const char *base, struct ds_gwreg *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf url = DS_BUF_NULL, body = DS_BUF_NULL, reply = DS_BUF_NULL;
	/* The gateway is known by its app id, not by its name: the URL is the host's word. */
	struct ds_client_cfg cfg = { .roots_pem = ds_buf_span(&g->cfg.kms_root_pem),
				     .no_name_check = true,
				     .check = ds_gwreg_check_server,
				     .check_arg = (void *)(uintptr_t)g->cfg.gateway_app_id,
				     .cert_pem = ds_buf_span(&g->chain_pem),
				     .key = g->tls_key,
				     .nameserver = g->cfg.nameserver };
	char why[160];
	int http;

	DS_TRY(ds_kms_url(base, "RegisterCvm", &url));
	DS_TRY(make_body(g, &body));
	DS_TRY(ds_call(&cfg, ds_buf_cstr(&url), ds_buf_span(&body), &reply, &http, err));
	if (http != 200)
		return ds_err_set(err, -EPERM, "gateway", 0, "RegisterCvm refused: %s",
				  ds_kms_error(http, ds_buf_span(&reply), why, sizeof(why)));
	return ds_gwreg_parse(ds_buf_span(&reply), ret, err);
}

static int configure_link(struct gw *g, struct ds_link *l, const struct ds_gwreg *reg)
{
	int r;

	if (g->client_ip && g->client_ip != reg->client_ip)
		DS_TRY(ds_link_delete(l, AGENT_WG));
	r = ds_link_create(l, AGENT_WG, "wireguard");
	return r == -EEXIST ? 0 : r;
}

static int configure(struct gw *g, const struct ds_gwreg *reg, struct ds_err *err)
{
	DS_LINK struct ds_link *l = NULL;
	DS_WG struct ds_wg *wg = NULL;
	int r = ds_link_open(&l);

	if (!r)
		r = configure_link(g, l, reg);
	if (!r)
		r = ds_wg_open(&wg);
	if (!r)
		r = ds_wg_set_device(wg, AGENT_WG, g->private_key, LISTEN_PORT);
	if (!r)
		r = ds_wg_set_peers(wg, AGENT_WG, reg->server, reg->n, true);
	if (!r)
		r = ds_link_add_address(l, AGENT_WG, (struct ds_ip4net){ reg->client_ip, 32 });
	if (!r)
		r = ds_link_up(l, AGENT_WG, 0);
	for (size_t i = 0; !r && i < reg->n; i++)
		r = ds_link_set_route(l, AGENT_WG, reg->server[i].allowed[0], 0);
	if (r)
		return ds_err_set(err, r, "gateway", 0, AGENT_WG ": %s", strerror(-r));
	g->client_ip = reg->client_ip;
	return 0;
}

/* All URLs in order; the first success counts, the first failure is reported. */
static int attempt(struct gw *g, struct ds_gwreg *reg, struct ds_err *err)
{
	int first = 0;

	if (!g->tls_key)
		DS_TRY(get_certificate(g, err));
	for (size_t i = 0; i < g->cfg.n_gateway_url; i++) {
		struct ds_err e = DS_ERR_NULL;
		int r = register_at(g, g->cfg.gateway_url[i], reg, &e);

		if (!r)
			return configure(g, reg, err);
		if (!first) {
			first = r;
			*err = e;
		}
	}
	return first;
}

_Noreturn static void keep_registered(struct gw *g)
{
	int wait = RETRY_MIN_MS;
	uint32_t told = 0;

	for (;;) {
		struct ds_err err = DS_ERR_NULL;
		struct ds_gwreg reg;
		char ip[DS_IP4_TEXT];
		int r = attempt(g, &reg, &err);

		if (r) {
			status("not registered: %s%s%s", err.domain, *err.domain ? ": " : "",
			       err.msg[0] ? err.msg : strerror(-r));
			/* Perhaps it is the certificate: the next attempt makes a new one. */
			g->tls_key = ds_p256_free(g->tls_key);
			ds_buf_done(&g->chain_pem);
			told = 0;
		} else if (told != g->client_ip) {
			status("registered as %s", ds_ip4_format(g->client_ip, ip));
			told = g->client_ip;
		}
		poll(NULL, 0, r ? wait : AGAIN_MS);
		wait = !r ? RETRY_MIN_MS : wait * 2 < RETRY_MAX_MS ? wait * 2 : RETRY_MAX_MS;
	}
}

static void wiping_free(void *p)
{
	if (p)
		ds_wipe(p, malloc_usable_size(p));
	free(p);
}

int cmd_gateway(int argc, char **argv)
{
	struct gw g = { .client_ip = 0 };
	struct ds_err err = DS_ERR_NULL;
	int r;

	if (argc > 1) {
		bool help = !strcmp(argv[1], "--help");

		fputs("usage: dstack-agent gateway\nRegister with the gateway and keep the tunnel "
		      "up. pid 1 starts it.\n",
		      help ? stdout : stderr);
		return help ? 0 : 2;
	}
	json_set_alloc_funcs(malloc, wiping_free);
	r = ds_net_wipe_on_free();
	if (!r)
		r = ds_secret_harden_process();
	if (!r)
		r = caps_keep(CAP_NET_ADMIN, true);
	if (!r)
		r = agent_config_load(AGENT_RUN_DIR, &g.cfg, &err);
	if (!r)
		r = ds_x25519_keygen(&g.private_key, g.public_key);
	if (r) {
		ds_log(DS_LOG_ERR, "what=start error=\"%s\"", err.msg[0] ? err.msg : strerror(-r));
		return 1;
	}
	keep_registered(&g);
}
