// SPDX-License-Identifier: Apache-2.0
/* The net process: start-up, reload, the loop. */
#include "keys.h"
#include "metrics.h"
#include "net.h"
#include "store.h"

#include <ds/base/file.h>
#include <ds/base/limits.h>
#include <ds/base/log.h>
#include <ds/net/loop.h>
#include <ds/net/server.h>
#include <event2/event.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#define DOM "kms"

struct process {
	struct kms_net net;
	struct ds_loop *loop;
	struct ds_server *admin;
	struct event *keys_event;
	struct ds_prpc_service svc;
	bool fresh;
	struct kms_onboard *onboard;
};

static int read_public(int dirfd, const char *name, struct ds_buf *ret, struct ds_err *err)
{
	int r = ds_read_file(dirfd, name, DS_MAX_CERT_PEM, ret);

	return r ? ds_err_set(err, r, DOM, 0, "%s: %s", name, strerror(-r)) : 0;
}

static int load_tls(int dirfd, const struct kms_self *self, struct ds_tls_ctx **ret,
		    struct ds_err *err)
{
	DS_BUF struct ds_buf crt = DS_BUF_NULL;
	struct ds_tls_cfg cfg = { .peer = DS_TLS_PEER_REQUEST, .key = self->key };

	DS_TRY(read_public(dirfd, KMS_F_RPC_CRT, &crt, err));
	cfg.cert_pem = ds_buf_span(&crt);
	return ds_tls_server_new(&cfg, ret, err);
}

static int load_dir(struct kms_net *net, struct ds_tls_ctx **ret_tls, struct ds_err *err)
{
	DS_FD int dirfd = open(net->conf->cert_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DS_BUF struct ds_buf domain = DS_BUF_NULL, info = DS_BUF_NULL;

	if (dirfd < 0)
		return ds_err_set(err, -errno, DOM, 0, "%s: %s", net->conf->cert_dir,
				  strerror(errno));
	DS_TRY(read_public(dirfd, KMS_F_ROOT_CRT, &net->root_pem, err));
	DS_TRY(read_public(dirfd, KMS_F_TMP_CRT, &net->tmp_pem, err));
	DS_TRY(read_public(dirfd, KMS_F_TMP_KEY, &net->tmp_key_pem, err));
	DS_TRY(read_public(dirfd, KMS_F_DOMAIN, &domain, err));
	net->domain = strdup(ds_buf_cstr(&domain) ? ds_buf_cstr(&domain) : "");
	if (!net->domain)
		return -ENOMEM;
	/* optional, as in the baseline */
	if (!ds_read_file(dirfd, KMS_F_INFO, DS_MAX_CERT_PEM, &info))
		net->bootstrap_info =
			json_loadb((const char *)info.p, info.n, JSON_REJECT_DUPLICATES, NULL);
	return load_tls(dirfd, net->self, ret_tls, err);
}

static int load_attest(struct kms_net *net, struct ds_err *err)
{
	const struct kms_conf *c = net->conf;

	if (c->root_ca) {
		DS_TRY(kms_file_load(&net->root_ca, c->root_ca, DS_MAX_CERT_PEM, err));
		ds_log(DS_LOG_WARN,
		       "event=custom-root-ca file=%s note=\"evidence is judged under a root that "
		       "is not "
		       "Intel's\"",
		       c->root_ca);
	}
	if (c->auth.ca)
		DS_TRY(kms_file_load(&net->auth_ca, c->auth.ca, DS_MAX_CERT_PEM, err));
	if (ds_attest_cache_new(&net->attested))
		return ds_err_set(err, -ENOMEM, "kms", 0, "no memory");
	for (size_t i = 0; i < c->n_collateral; i++)
		DS_TRY(kms_file_load(&net->collateral[i], c->collateral[i], DS_MAX_COLLATERAL,
				     err));
	return 0;
}

/* SEV-SNP has no documents that say what is new: only a floor does. Products, separated by ",". */
static bool no_floor(const struct ds_snp_policy *snp, char ret_names[40])
{
	static const struct ds_snp_min_tcb none;
	size_t n = 0;

	for (int i = 0; i < DS_SNP_PRODUCTS; i++)
		if (snp->products & 1u << i && !memcmp(&snp->min_tcb[i], &none, sizeof(none)))
			n += (size_t)snprintf(ret_names + n, 40 - n, "%s%s", n ? "," : "",
					      ds_snp_product_name((enum ds_snp_product)i));
	return n;
}

static bool takes_snp(const struct kms_policy *p)
{
	for (size_t i = 0; i < p->n_image; i++)
		if (p->image[i].mr.has_snp)
			return true;
	return false;
}

static void warn_policy(const struct kms_policy *p, const struct ds_tcb_policy_file *file)
{
	const struct ds_tcb_policy *tcb = file ? ds_tcb_policy_get(file) : &ds_tcb_policy_default;
	char names[40];

	ds_log(DS_LOG_NOTICE, "event=policy images=%zu apps=%zu", p->n_image, p->n_app);
	if (p->allow_emulated)
		ds_log(DS_LOG_WARN, "event=policy allow_emulated=yes note=\"keys go to machines "
				    "without any security: "
				    "for tests only\"");
	if (tcb->allow_debug)
		ds_log(DS_LOG_WARN, "event=policy insecure_allow_debug=yes note=\"keys go to machines "
				    "that their host can read: for tests only\"");
	if (takes_snp(p) && no_floor(&tcb->snp, names))
		ds_log(DS_LOG_WARN, "event=policy products=%s note=\"no snp_min_tcb: keys go to SEV-SNP "
				    "firmware of any age\"",
		       names);
}

static void warn_auth(const struct kms_conf *c)
{
	if (c->backend == KMS_BACKEND_FILE)
		return;
	ds_log(DS_LOG_NOTICE, "event=policy backend=%s url=%s",
	       c->backend == KMS_BACKEND_WEBHOOK ? "webhook" : "contract", c->auth.url);
	if (c->auth.insecure_http)
		ds_log(DS_LOG_WARN, "event=policy insecure_http=yes note=\"whoever is between here and "
				    "the API decides who gets keys\"");
}

static int load_policies(const struct kms_conf *conf, struct kms_policy **ret,
			 struct ds_tcb_policy_file **ret_tcb, struct ds_err *err)
{
	struct ds_tcb_policy_file *tcb = NULL;
	int r;

	if (conf->tcb_policy)
		DS_TRY(ds_tcb_policy_load(conf->tcb_policy, &tcb, err));
	r = kms_policy_load(conf->policy, conf->backend != KMS_BACKEND_FILE, ret, err);
	if (r)
		ds_tcb_policy_free(tcb);
	else
		*ret_tcb = tcb;
	return r;
}

static void on_hup(void *arg)
{
	struct process *p = arg;
	struct kms_policy *fresh = NULL;
	struct ds_tcb_policy_file *tcb = NULL;
	struct ds_err err = DS_ERR_NULL;

	if (ds_notify("RELOADING=1"))
		ds_log(DS_LOG_WARN, "event=notify-failed");
	if (load_policies(p->net.conf, &fresh, &tcb, &err)) {
		kms_count(KMS_COUNT_RELOAD, "failed");
		ds_log(DS_LOG_ERR, "event=reload-failed note=\"the old policy stays\" error=\"%s\"",
		       err.msg);
	} else {
		kms_count(KMS_COUNT_RELOAD, "ok");
		kms_policy_free(p->net.policy);
		ds_tcb_policy_free(p->net.tcb);
		p->net.policy = fresh;
		p->net.tcb = tcb;
		p->net.policy_read++;
		warn_policy(fresh, tcb);
		kms_lease_ask(&p->net);
	}
	if (ds_notify("READY=1"))
		ds_log(DS_LOG_WARN, "event=notify-failed");
}

static void on_stop(void *arg)
{
	struct process *p = arg;

	if (ds_notify("STOPPING=1"))
		ds_log(DS_LOG_WARN, "event=notify-failed");
	ds_loop_stop(p->loop, 0);
}

/* It only ever speaks when asked, so this is its end. */
static void on_keys_gone(evutil_socket_t fd, short what, void *arg)
{
	struct process *p = arg;

	(void)fd;
	(void)what;
	ds_log(DS_LOG_ERR, "event=keys-process-gone");
	ds_loop_stop(p->loop, 1);
}

/* Before any method but the one that says what this KMS is. */
static int before(void *ctx, struct ds_req *req, const char *method)
{
	struct kms_refusal why = { .code = "self" };
	struct kms_net *net = ctx;

	kms_count(KMS_COUNT_REQUEST, method);
	if (!strcmp(method, "GetMeta") || !kms_lease_check(net, &why))
		return 0;
	kms_deny(net, req, method, &why, NULL);
	return 1;
}

static void set_methods(struct process *p)
{
	if (p->fresh)
		p->svc = (struct ds_prpc_service){ .name = "Onboard",
						   .methods = kms_onboard_methods,
						   .n_methods = kms_n_onboard_methods,
						   .messages = kms_onboard_messages,
						   .n_messages = kms_n_onboard_messages,
						   .ctx = p->onboard };
	else
		p->svc = (struct ds_prpc_service){ .name = "KMS",
						   .methods = kms_methods,
						   .n_methods = kms_n_methods,
						   .messages = kms_messages,
						   .n_messages = kms_n_messages,
						   .before = before,
						   .ctx = &p->net };
	p->svc.paths = DS_PRPC_PREFIX;
}

/* tls NULL: the onboarding, which is on loopback only */
static int start_server(struct process *p, struct ds_tls_ctx *tls, struct ds_err *err)
{
	const struct kms_conf *c = p->net.conf;
	struct ds_server_cfg cfg = {
		.addr = p->fresh ? c->onboard_addr : c->addr,
		.port = p->fresh ? c->onboard_port : c->port,
		.tls = tls,
		.max_body = 1u << 20,
		.max_conns = (unsigned)c->max_connections,
		.request_ms = (unsigned)c->request_seconds * 1000,
	};

	DS_TRY(ds_server_new(ds_loop_base(p->loop), &cfg, &p->net.srv, err));
	set_methods(p);
	DS_TRY(ds_server_route(p->net.srv, "GET", "/health", kms_on_health, NULL));
	if (c->public_metrics)
		DS_TRY(ds_server_route(p->net.srv, "GET", "/metrics", kms_on_metrics, &p->net));
	return ds_prpc_mount(p->net.srv, &p->svc);
}

static int write_port(const struct kms_conf *c, uint16_t port, struct ds_err *err)
{
	char text[8];
	int r;

	if (!c->port_file)
		return 0;
	snprintf(text, sizeof(text), "%u\n", port);
	r = ds_write_file_atomic(AT_FDCWD, c->port_file, DS_SPAN_STR(text), 0644);
	return r ? ds_err_set(err, r, DOM, 0, "%s: %s", c->port_file, strerror(-r)) : 0;
}

static int start_events(struct process *p)
{
	DS_TRY(ds_loop_on_signal(p->loop, SIGHUP, on_hup, p));
	DS_TRY(ds_loop_on_signal(p->loop, SIGTERM, on_stop, p));
	DS_TRY(ds_loop_on_signal(p->loop, SIGINT, on_stop, p));
	p->keys_event = event_new(ds_loop_base(p->loop), p->net.keys, EV_READ, on_keys_gone, p);
	return p->keys_event && !event_add(p->keys_event, NULL) ? 0 : -ENOMEM;
}

/*
 * The root keys are files of the user who started us; from here on this process is somebody else,
 * for whom they are as closed as for anybody.
 */
static int become(const char *user, struct ds_err *err)
{
	const struct passwd *pw;

	if (!user) {
		ds_log(DS_LOG_WARN, "event=same-user note=\"no user= in the configuration: the "
				    "process that talks to the "
				    "network may read the root key files\"");
		return 0;
	}
	errno = 0;
	pw = getpwnam(user);
	if (!pw || !pw->pw_uid)
		return ds_err_set(err, -EINVAL, DOM, 0, "user %s: %s", user,
				  pw ? "is root" : "does not exist");
	if (setgroups(0, NULL) || setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid))
		return ds_err_set(err, -errno, DOM, 0, "cannot become user %s: %s", user,
				  strerror(errno));
	if (!setuid(0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return ds_err_set(err, -EPERM, DOM, 0, "user %s could become root again", user);
	return ds_secret_harden_process();
}

/* The first answer means that the roots are loaded and the certificates on disk are fresh. */
static int open_store(struct process *p, struct ds_tls_ctx **ret_tls, struct ds_err *err)
{
	if (kms_keys_hello(p->net.keys, p->net.k256_pub))
		return ds_err_set(err, -EPIPE, DOM, 0, "the keys process did not start");
	return load_dir(&p->net, ret_tls, err);
}

static void warn_seal(const struct kms_conf *c)
{
	if (c->seal == KMS_SEAL_KERNEL)
		ds_log(DS_LOG_NOTICE, "event=seal kind=kernel");
	else
		ds_log(DS_LOG_WARN,
		       "event=seal kind=development note=\"DEVELOPMENT SEAL: ROOT KEYS ARE PLAIN "
		       "FILES IN %s; WHOEVER READS THEM OWNS EVERY APP\"",
		       c->cert_dir);
	if (!c->agent)
		ds_log(DS_LOG_WARN, "event=no-evidence note=\"no agent= in the configuration: this "
				    "KMS cannot prove what it is\"");
	if (c->replication == KMS_REPLICATION_STOCK)
		ds_log(DS_LOG_WARN, "event=replication form=stock note=\"roots leave in the clear "
				    "inside TLS: the process that talks to the network sees them\"");
}

/* All nodes have one root: what is another's name here may not be an app's. */
static void warn_nodes(const struct kms_net *net)
{
	if (net->conf->replication != KMS_REPLICATION_OFF && !net->policy->n_node)
		ds_log(DS_LOG_WARN, "event=policy node_names=none note=\"an app can get a certificate for "
				    "the name of another node\"");
}

static void say_ready(const struct process *p)
{
	const struct kms_net *net = &p->net;

	warn_seal(net->conf);
	warn_policy(net->policy, net->tcb);
	warn_auth(net->conf);
	warn_nodes(net);
	ds_log(DS_LOG_NOTICE, "event=release-log entries=%llu head=%s",
	       (unsigned long long)kms_relog_count(net->relog), kms_relog_head(net->relog));
	if (p->fresh)
		ds_log(DS_LOG_NOTICE, "event=onboarding listen=%s:%u token=%s",
		       net->conf->onboard_addr, ds_server_port(p->net.srv), net->conf->onboard_token);
	else
		ds_log(DS_LOG_NOTICE, "event=ready listen=%s:%u domain=%s", net->conf->addr,
		       ds_server_port(p->net.srv), net->domain);
}

static int start(struct process *p, struct ds_err *err)
{
	struct timeval answer_time = { .tv_sec = 5 };
	DS_TLS_CTX struct ds_tls_ctx *tls = NULL;

	p->net.started = time(NULL);
	DS_TRY(ds_loop_new(&p->loop));
	p->net.loop = p->loop;
	p->net.base = ds_loop_base(p->loop);
	if (setsockopt(p->net.keys, SOL_SOCKET, SO_RCVTIMEO, &answer_time, sizeof(answer_time)))
		return -errno;
	if (p->fresh)
		DS_TRY(kms_onboard_new(&p->net, &p->onboard, err));
	else
		DS_TRY(open_store(p, &tls, err));
	DS_TRY(kms_relog_open(p->net.conf->release_log, &p->net.relog, err));
	DS_TRY(kms_due_start(&p->net));
	DS_TRY(start_server(p, tls, err));
	DS_TRY(kms_admin_start(&p->net, &p->admin, err));
	DS_TRY(start_events(p));
	DS_TRY(write_port(p->net.conf, ds_server_port(p->net.srv), err));
	DS_TRY(become(p->net.conf->user, err));
	DS_TRY(kms_net_jail());
	/* a change of user takes back what main() asked for */
	if (p->fresh && prctl(PR_SET_PDEATHSIG, SIGTERM))
		return -errno;
	/* read again while running, so read as who runs */
	DS_TRY(load_attest(&p->net, err));
	DS_TRY(load_policies(p->net.conf, &p->net.policy, &p->net.tcb, err));
	say_ready(p);
	if (!p->fresh)
		DS_TRY(kms_lease_start(&p->net));
	return ds_notify("READY=1");
}

static void stop(struct process *p)
{
	if (p->keys_event)
		event_free(p->keys_event);
	kms_authorize_stop(&p->net);
	kms_due_stop(&p->net);
	kms_lease_stop(&p->net);
	kms_onboard_free(p->onboard);
	ds_server_free(p->admin);
	ds_server_free(p->net.srv);
	ds_loop_free(p->loop);
	/* the end of what was waiting is on record as well */
	if (p->net.relog)
		ds_log(DS_LOG_NOTICE, "event=stop release_log_entries=%llu head=%s",
		       (unsigned long long)kms_relog_count(p->net.relog),
		       kms_relog_head(p->net.relog));
	kms_relog_close(p->net.relog);
	kms_policy_free(p->net.policy);
	ds_tcb_policy_free(p->net.tcb);
	json_decref(p->net.bootstrap_info);
	free(p->net.domain);
	ds_buf_done(&p->net.auth_ca.data);
	ds_buf_done(&p->net.auth_info);
	ds_buf_done(&p->net.root_pem);
	ds_buf_done(&p->net.tmp_pem);
	ds_buf_done(&p->net.tmp_key_pem);
	ds_buf_done(&p->net.root_ca.data);
	ds_attest_cache_free(p->net.attested);
	for (size_t i = 0; i < KMS_MAX_COLLATERAL; i++)
		ds_buf_done(&p->net.collateral[i].data);
}

int kms_net_main(const struct kms_conf *conf, const struct kms_self *self, int keys, bool fresh)
{
	struct process p = { .net = { .conf = conf, .self = self, .keys = keys },
			     .fresh = fresh };
	struct ds_err err = DS_ERR_NULL;
	int r = start(&p, &err);

	if (r)
		ds_log(DS_LOG_ERR, "process=net error=\"%s\"", err.code ? err.msg : strerror(-r));
	else
		r = ds_loop_run(p.loop);
	stop(&p);
	return r ? 1 : 0;
}
