// SPDX-License-Identifier: Apache-2.0
/* dstack-agent call and tls-key: the agent's API for shell scripts. */
#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/net/loop.h>
#include <getopt.h>

#include "agent.h"

int agent_call(const char *sock, const char *method, struct ds_span body, struct ds_buf *ret,
	       struct ds_err *err)
{
	DS_BUF struct ds_buf url = DS_BUF_NULL;
	struct ds_client_cfg cfg = { 0 };
	char why[160];
	int status;

	DS_TRY(ds_buf_addf(&url, "unix:%s:/%s", sock, method));
	if (!ds_buf_cstr(&url))
		return -ENOMEM;
	DS_TRY(ds_call(&cfg, ds_buf_cstr(&url), body, ret, &status, err));
	if (status != 200)
		return ds_err_set(err, -EPERM, "agent", 0, "%s",
				  ds_kms_error(status, ds_buf_span(ret), why, sizeof(why)));
	return 0;
}

static int fail(const struct ds_err *err, int r)
{
	fprintf(stderr, "dstack-agent: %s\n", err->msg[0] ? err->msg : strerror(-r));
	return 1;
}

static const char call_help[] =
	"usage: dstack-agent call [--socket PATH] METHOD [JSON]\n"
	"Call a method of the guest API and print the reply. JSON - is read from standard input.\n";

int cmd_call(int argc, char **argv)
{
	static const struct option opts[] = { { "socket", required_argument, NULL, 's' },
					      { "help", no_argument, NULL, 'h' },
					      { 0 } };
	DS_BUF struct ds_buf in = DS_BUF_NULL, out = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	const char *sock = AGENT_SOCKET;
	struct ds_span body = DS_SPAN_LIT("{}");
	int c, r;

	while ((c = getopt_long(argc, argv, "+s:h", opts, NULL)) != -1) {
		if (c == 'h') {
			fputs(call_help, stdout);
			return 0;
		}
		if (c != 's')
			return 2;
		sock = optarg;
	}
	if (argc - optind < 1 || argc - optind > 2) {
		fputs(call_help, stderr);
		return 2;
	}
	if (argc - optind == 2)
		body = DS_SPAN_STR(argv[optind + 1]);
	if (body.n == 1 && body.p[0] == '-') {
		r = ds_read_fd(STDIN_FILENO, DS_MAX_RPC_BODY, &in);
		if (r)
			return fail(&err, r);
		body = ds_buf_span(&in);
	}
	r = ds_net_wipe_on_free();
	if (!r)
		r = agent_call(sock, argv[optind], body, &out, &err);
	if (r)
		return fail(&err, r);
	r = ds_write_full(STDOUT_FILENO, out.p, out.n);
	if (!r)
		r = ds_write_full(STDOUT_FILENO, "\n", 1);
	ds_wipe(out.p, out.n);
	return r ? fail(&err, r) : 0;
}

static const char tls_help[] = "usage: dstack-agent tls-key --out DIR [OPTION...]\n"
			       "Get a fresh TLS key with a certificate chain from the KMS: "
			       "DIR/key.pem and DIR/chain.pem.\n\n"
			       "  --subject NAME    common name of the certificate\n"
			       "  --alt-name NAME   host name or address, repeatable\n"
			       "  --server          for servers\n"
			       "  --client          for clients\n"
			       "  --ra-tls          with the evidence inside\n"
			       "  --app-info        with the app's identity inside\n"
			       "  --socket PATH     default " AGENT_SOCKET "\n";

struct tls_options {
	const char *out, *sock;
	json_t *args;
};

static int tls_option(struct tls_options *o, int c)
{
	static const struct {
		int c;
		const char *key;
	} flags[] = { { 'S', "usage_server_auth" },
		      { 'C', "usage_client_auth" },
		      { 'R', "usage_ra_tls" },
		      { 'I', "with_app_info" } };

	for (size_t i = 0; i < DS_ARRAY_SIZE(flags); i++)
		if (flags[i].c == c)
			return json_object_set_new(o->args, flags[i].key, json_true());
	if (c == 'o')
		o->out = optarg;
	else if (c == 's')
		o->sock = optarg;
	else if (c == 'n')
		return json_object_set_new(o->args, "subject", json_string(optarg));
	else if (c == 'a')
		return json_array_append_new(json_object_get(o->args, "alt_names"),
					     json_string(optarg));
	else
		return -1;
	return 0;
}

static int write_reply(const char *dir, struct ds_span body)
{
	DS_JSON json_t *o = json_loadb((const char *)body.p, body.n, 0, NULL);
	DS_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DS_BUF struct ds_buf chain = DS_BUF_NULL;
	const json_t *a = json_object_get(o, "certificate_chain");
	const char *key = json_string_value(json_object_get(o, "key"));

	if (fd < 0)
		return -errno;
	if (!key || !json_array_size(a))
		return -EBADMSG;
	for (size_t i = 0; i < json_array_size(a); i++) {
		const char *pem = json_string_value(json_array_get(a, i));

		if (!pem)
			return -EBADMSG;
		DS_TRY(ds_buf_addf(&chain, "%s", pem));
	}
	DS_TRY(ds_write_file_atomic(fd, "key.pem", DS_SPAN_STR(key), 0600));
	return ds_write_file_atomic(fd, "chain.pem", ds_buf_span(&chain), 0644);
}

int cmd_tls_key(int argc, char **argv)
{
	static const struct option opts[] = {
		{ "out", required_argument, NULL, 'o' },
		{ "socket", required_argument, NULL, 's' },
		{ "subject", required_argument, NULL, 'n' },
		{ "alt-name", required_argument, NULL, 'a' },
		{ "server", no_argument, NULL, 'S' },
		{ "client", no_argument, NULL, 'C' },
		{ "ra-tls", no_argument, NULL, 'R' },
		{ "app-info", no_argument, NULL, 'I' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct tls_options o = { .sock = AGENT_SOCKET, .args = json_pack("{s:[]}", "alt_names") };
	DS_JSON json_t *args = o.args;
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	struct ds_err err = DS_ERR_NULL;
	DS_FREE char *body = NULL;
	int c, r;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == 'h') {
			fputs(tls_help, stdout);
			return 0;
		}
		if (tls_option(&o, c))
			return 2;
	}
	if (!o.out || optind < argc) {
		fputs(tls_help, stderr);
		return 2;
	}
	body = json_dumps(args, JSON_COMPACT);
	r = body ? ds_net_wipe_on_free() : -ENOMEM;
	if (!r)
		r = agent_call(o.sock, "GetTlsKey", DS_SPAN_STR(body), &out, &err);
	if (!r)
		r = write_reply(o.out, ds_buf_span(&out));
	ds_wipe(out.p, out.n);
	return r ? fail(&err, r) : 0;
}
