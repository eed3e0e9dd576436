// SPDX-License-Identifier: Apache-2.0
/*
 * dstack-request-key: makes keys of type "dstack_kms" for the kernel, started by request-key(8)
 * with the authority to instantiate one key. It asks the guest agent and gives the answer to the
 * kernel from memory; whatever goes wrong becomes a negative key, so that whoever waits is told why
 * and does not try again at once.
 */
#include <ds/base/limits.h>
#include <ds/base/log.h>
#include <ds/base/secret.h>
#include <ds/base/text.h>
#include <ds/net/client.h>
#include <ds/net/kms.h>
#include <ds/net/loop.h>
#include <ds/net/prpc.h>
#include <fcntl.h>
#include <getopt.h>
#include <keyutils.h>
#include <signal.h>

#define SOCKET	    "/run/dstack.sock"
#define TYPE	    "dstack_kms"
#define ANSWER_MS   30000u
#define END_SECONDS 40 /* should everything else fail: the kernel's waiters cannot be interrupted  \
			*/

/* HTTP status of the agent to what the kernel says, and for how long it remembers. */
static const struct outcome {
	int status;
	int error;
	unsigned seconds;
} outcomes[] = {
	{ 400, EINVAL, 30 },	  { 403, EKEYREJECTED, 30 }, { 404, ENOKEY, 60 },
	{ 502, EHOSTUNREACH, 5 }, { 504, ETIMEDOUT, 5 },
};
static const struct outcome malformed = { 500, EBADMSG, 30 }, unreachable = { 0, EHOSTUNREACH, 5 },
			    late = { 0, ETIMEDOUT, 5 };

static const struct outcome *outcome_of(int r, int status)
{
	if (r)
		return r == -ETIMEDOUT		      ? &late
		       : r == -EBADMSG || r == -EFBIG ? &malformed
						      : &unreachable;
	for (size_t i = 0; i < DS_ARRAY_SIZE(outcomes); i++)
		if (outcomes[i].status == status)
			return &outcomes[i];
	return &malformed;
}

/* The kernel starts programs without any descriptor; a socket must not become standard error. */
static int fill_stdio(void)
{
	static const char *const files[] = { "/dev/null", "/dev/null", "/dev/kmsg" };

	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* the lowest free number is this one */
		if (open(files[fd], fd ? O_WRONLY : O_RDONLY) != fd &&
		    open("/dev/null", O_RDWR) != fd)
			return -errno;
	}
	return 0;
}

/* "TYPE;UID;GID;PERM;NAME", as the kernel says it. */
static int key_name(key_serial_t key, char ret_name[64])
{
	char text[256];
	const char *name = text;
	long n = keyctl_describe(key, text, sizeof(text));

	if (n < 0)
		return -errno;
	if ((size_t)n > sizeof(text) || strncmp(text, TYPE ";", sizeof(TYPE)))
		return -EINVAL;
	for (int i = 0; i < 4 && name; i++) {
		name = strchr(name, ';');
		name = name ? name + 1 : NULL;
	}
	/* A name goes into JSON as it is: letters, digits and "-" are all there is. */
	if (!name || !*name || strlen(name) >= 64 ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		return -EINVAL;
	memcpy(ret_name, name, strlen(name) + 1);
	return 0;
}

static int parse_value(struct ds_span body, struct ds_buf *ret, struct ds_err *err)
{
	DS_JSON json_t *o = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(o))
		return ds_err_set(err, -EBADMSG, "agent", 0, "reply: a JSON object expected");
	DS_TRY(ds_json_hex(o, "value", DS_KMS_ITEM_MAX, ret, err));
	return ret->n ? 0 : ds_err_set(err, -EBADMSG, "agent", 0, "reply: value is missing");
}

static void wipe_buf(struct ds_buf *b)
{
	ds_wipe(b->p, b->cap);
	ds_buf_done(b);
}

/* The agent's answer; what becomes of the key if there is none. */
static const struct outcome *fetch(const char *sock, const char *name, struct ds_buf *ret_value,
				   struct ds_err *err)
{
	DS_CLEANUP(wipe_buf) struct ds_buf reply = DS_BUF_NULL;
	DS_BUF struct ds_buf url = DS_BUF_NULL, body = DS_BUF_NULL;
	struct ds_client_cfg cfg = { .total_ms = ANSWER_MS, .max_reply = 4 * DS_KMS_ITEM_MAX };
	char why[120];
	int status = 0, r;

	r = ds_buf_addf(&url, "unix:%s:/GetKmsItem", sock);
	if (!r)
		r = ds_buf_addf(&body, "{\"name\":\"%s\"}", name);
	if (!r && !ds_buf_cstr(&url))
		r = -ENOMEM;
	if (!r)
		r = ds_call(&cfg, ds_buf_cstr(&url), ds_buf_span(&body), &reply, &status, err);
	if (!r && status != 200)
		(void)ds_err_set(err, -EPERM, "agent", 0, "%s",
				 ds_kms_error(status, ds_buf_span(&reply), why, sizeof(why)));
	else if (!r)
		r = parse_value(ds_buf_span(&reply), ret_value, err);
	return !r && status == 200 ? NULL : outcome_of(r, status);
}

/* 0 when the key has a value; else it is negative, or about to be made so by the kernel. */
static int make_key(key_serial_t key, const char *sock)
{
	DS_CLEANUP(wipe_buf) struct ds_buf value = DS_BUF_NULL;
	const struct outcome *bad;
	struct ds_err err = DS_ERR_NULL;
	char name[64];
	int r;

	if (keyctl_assume_authority(key) < 0) {
		ds_log(DS_LOG_ERR, "what=authority key=%d error=\"%s\"", key, strerror(errno));
		return 1;
	}
	r = key_name(key, name);
	if (r) {
		ds_log(DS_LOG_ERR, "what=describe key=%d error=\"%s\"", key, strerror(-r));
		return 1;
	}
	bad = fetch(sock, name, &value, &err);
	/* No keyring: the kernel has linked the key where it was asked for. */
	if (!bad && !keyctl_instantiate(key, value.p, value.n, 0))
		return 0;
	if (!bad) {
		ds_err_set(&err, -errno, "", 0, "instantiate %zu bytes: %s", value.n,
			   strerror(errno));
		bad = &malformed;
	}
	ds_log(DS_LOG_WARN, "what=%s error=\"%s\" seconds=%u", name,
	       err.msg[0] ? err.msg : strerror(bad->error), bad->seconds);
	if (keyctl_reject(key, bad->seconds, (unsigned)bad->error, 0))
		ds_log(DS_LOG_ERR, "what=reject key=%d error=\"%s\"", key, strerror(errno));
	return 1;
}

static const char help[] =
	"usage: dstack-request-key [--socket PATH] KEY\n"
	"Make the key of type dstack_kms whose number request-key(8) has passed on.\n";

int main(int argc, char **argv)
{
	static const struct option opts[] = { { "socket", required_argument, NULL, 's' },
					      { "help", no_argument, NULL, 'h' },
					      { "version", no_argument, NULL, 'V' },
					      { 0 } };
	const char *sock = SOCKET;
	uint64_t key;
	int c;

	if (fill_stdio())
		return 1;
	ds_log_init("dstack-request-key");
	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		if (c == 'h' || c == 'V') {
			fputs(c == 'h' ? help : "dstack-request-key " DS_VERSION "\n", stdout);
			return 0;
		}
		if (c != 's')
			return 2;
		sock = optarg;
	}
	if (argc - optind != 1 ||
	    ds_parse_u64(argv[optind], strlen(argv[optind]), INT32_MAX, &key) || !key) {
		fputs(help, stderr);
		return 2;
	}
	alarm(END_SECONDS);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || ds_secret_harden_process() ||
	    ds_net_wipe_on_free())
		return 1;
	return make_key((key_serial_t)key, sock);
}
