// SPDX-License-Identifier: Apache-2.0
/*
 * What a call to the KMS needs: the temporary CA, a key of ours, and a certificate with a quote for
 * it. Made when first asked for, kept until the KMS refuses it; whoever asks meanwhile waits for
 * the same one.
 */
#include <ds/x509/cert.h>
#include <event2/event.h>
#include <time.h>

#include "agent.h"

struct waiter {
	struct waiter *next;
	session_fn cb;
	void *arg;
};

struct kms_session {
	struct agent *a;
	bool busy, ready;
	struct ds_kms_temp_ca ca;
	struct ds_p256 *key;
	struct ds_buf cert_pem;
	uint8_t report_data[64];
	struct waiter *waiters;
	struct event *wake;
	/* outcome for the waiters */
	int r;
	struct ds_err err;
};

static void clear(struct kms_session *s)
{
	ds_kms_temp_ca_done(&s->ca);
	s->ca = DS_KMS_TEMP_CA_NULL;
	s->key = ds_p256_free(s->key);
	ds_buf_done(&s->cert_pem);
	s->ready = false;
}

static void tell_waiters(struct kms_session *s)
{
	struct agent *a = s->a;
	struct ds_client_cfg cfg = {
		.roots_pem = ds_buf_span(&a->cfg.kms_root_pem),
		.check = ds_kms_check_rpc,
		.cert_pem = ds_buf_span(&s->cert_pem),
		.key = s->key,
		.nameserver = a->cfg.nameserver,
	};
	struct waiter *w = s->waiters;

	s->waiters = NULL;
	while (w) {
		struct waiter *next = w->next;

		w->cb(w->arg, s->r, &cfg, &s->err);
		free(w);
		w = next;
	}
}

static void done(struct kms_session *s, int r, const struct ds_err *err)
{
	s->busy = false;
	s->r = r;
	s->err = err ? *err : DS_ERR_NULL;
	if (r)
		clear(s);
	s->ready = !r;
	tell_waiters(s);
}

static void on_quote(void *arg, int r, struct ds_buf *quote, struct ds_eventlog *log,
		     const struct ds_err *err)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	struct ds_err e = err ? *err : DS_ERR_NULL;
	struct kms_session *s = arg;

	if (!r)
		r = ds_kernel_attestation(quote, log, s->report_data,
					  ds_buf_span(&s->a->cfg.vm_config), &att);
	if (!r)
		r = ds_kms_temp_cert(&s->ca, s->key, &att, time(NULL), &s->cert_pem, &e);
	done(s, r, &e);
}

static int make_key(struct kms_session *s, struct ds_err *err)
{
	uint8_t spki[DS_P256_SPKI_SIZE];

	DS_TRY(ds_p256_generate(&s->key));
	DS_TRY(ds_p256_spki(s->key, spki));
	DS_TRY(ds_ratls_report_data(DS_SPAN_ARRAY(spki), s->report_data));
	return evidence_start(s->a, s->report_data, on_quote, s, err);
}

static void on_temp_ca(void *arg, int r, int status, struct ds_span body, const struct ds_err *err)
{
	struct ds_err e = err ? *err : DS_ERR_NULL;
	struct kms_session *s = arg;
	char why[120];

	if (!r && status != 200)
		r = ds_err_set(&e, -EPERM, "kms", 0, "GetTempCaCert refused: %s",
			       ds_kms_error(status, body, why, sizeof(why)));
	if (!r)
		r = ds_kms_temp_ca_parse(body, ds_buf_span(&s->a->cfg.pin), &s->ca, &e);
	if (!r)
		r = make_key(s, &e);
	if (r)
		done(s, r, &e);
}

/* Unlike pid 1 we know the root certificate: already this call is made to the right KMS or not at
 * all. */
static int ask_temp_ca(struct kms_session *s, struct ds_err *err)
{
	DS_BUF struct ds_buf url = DS_BUF_NULL;
	struct ds_client_cfg cfg = { .roots_pem = ds_buf_span(&s->a->cfg.kms_root_pem),
				     .check = ds_kms_check_rpc,
				     .nameserver = s->a->cfg.nameserver };
	struct ds_call *call;

	DS_TRY(ds_kms_url(s->a->cfg.kms_url, "GetTempCaCert", &url));
	return ds_call_start(s->a->base, &cfg, ds_buf_cstr(&url), DS_SPAN_LIT("{}"), on_temp_ca, s,
			     &call, err);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct ds_err err = DS_ERR_NULL;
	struct kms_session *s = arg;
	int r;

	if (s->ready) {
		s->r = 0;
		tell_waiters(s);
		return;
	}
	if (s->busy || !s->waiters)
		return;
	s->busy = true;
	clear(s);
	r = ask_temp_ca(s, &err);
	if (r)
		done(s, r, &err);
}

static struct kms_session *session_new(struct agent *a)
{
	struct kms_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->a = a;
	s->wake = event_new(a->base, -1, 0, on_wake, s);
	if (!s->wake) {
		free(s);
		return NULL;
	}
	return s;
}

int kms_session_get(struct agent *a, session_fn cb, void *arg, struct ds_err *err)
{
	struct waiter *w;

	if (!*a->cfg.kms_url)
		return ds_err_set(err, -EOPNOTSUPP, "kms", 0,
				  "this app has no KMS (key_provider none)");
	if (!a->kms)
		a->kms = session_new(a);
	w = a->kms ? calloc(1, sizeof(*w)) : NULL;
	if (!w)
		return -ENOMEM;
	*w = (struct waiter){ .next = a->kms->waiters, .cb = cb, .arg = arg };
	a->kms->waiters = w;
	event_active(a->kms->wake, EV_TIMEOUT, 0);
	return 0;
}

void kms_session_drop(struct agent *a)
{
	if (a->kms && !a->kms->busy)
		clear(a->kms);
}

void kms_session_free(struct kms_session *s)
{
	if (!s)
		return;
	clear(s);
	event_free(s->wake);
	free(s);
}
