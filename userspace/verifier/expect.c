// SPDX-License-Identifier: Apache-2.0
/*
 * Is it the app that the caller wants to talk to? And who says so: app-id and compose-hash are what
 * some system measured into RTMR3, and any TD can measure anything there.
 */
#include "verify.h"

#include <ds/base/text.h>
#include <ds/x509/cert.h>

#define ID_DIGITS (2 * sizeof(((struct ds_identity *)0)->app_id))

/* Platform host names are ID.BASE and ID-PORT.BASE, ID that of an app or of an instance. */
static bool id_in_host(const char *host, uint8_t ret[20])
{
	const char *end = host + ID_DIGITS;

	return strnlen(host, ID_DIGITS) == ID_DIGITS && !ds_hex_decode(host, ID_DIGITS, ret, 20) &&
	       (!*end || *end == '.' || *end == '-');
}

bool expect_identity(const struct options *o)
{
	return o->app_id || o->host;
}

/* An image list of the policy has been checked with the quote. */
bool expect_image(const struct options *o)
{
	return o->image || o->image_hash || (o->verify.policy && o->verify.policy->n_image);
}

bool expect_kms(const struct options *o)
{
	return o->kms_root || o->kms_root_hash;
}

const char *expect_source(const struct options *o, bool by_kms)
{
	return by_kms ? "kms-root" : expect_image(o) ? "image" : "nobody";
}

/*
 * Without --compose, an image that is known says what it was given, and the host gives it the app
 * id: only one that is cut from the compose-hash is not the host's choice. A KMS has decided which
 * compose files are an app's.
 */
static int check_choice(const struct options *o, const struct ds_identity *id, bool by_kms,
			struct ds_verdict *v)
{
	uint8_t named[20];

	if (by_kms || o->compose || !memcmp(id->app_id, id->compose_hash, sizeof(id->app_id)))
		return 0;
	if (!o->app_id && !(o->host && id_in_host(o->host, named)))
		return 0;
	return ds_verdict_fail(
		v, DS_REASON_CERT_IDENTITY,
		"the host chose this app id for its compose file: give --kms-root or "
		"--compose");
}

static int check_source(const struct options *o, const struct ds_identity *id, bool needed,
			bool by_kms, struct ds_verdict *v)
{
	if (by_kms || expect_image(o))
		return check_choice(o, id, by_kms, v);
	if (!needed)
		return 0;
	return ds_verdict_fail(
		v, DS_REASON_MEASUREMENT,
		expect_kms(o) ? "a KMS does not judge its own VM: give --image (see dstack-mr)" :
				"any TD can claim this app: give --image (see dstack-mr) or --kms-root");
}

static int check_app_id(const struct options *o, const struct ds_identity *id, struct ds_verdict *v)
{
	uint8_t want[20];

	if (!o->app_id)
		return 0;
	if (ds_hex_decode_exact(o->app_id, want, sizeof(want)))
		return -EINVAL; /* options.c has seen to it */
	if (memcmp(want, id->app_id, sizeof(want)))
		return ds_verdict_fail_hex(v, DS_REASON_CERT_IDENTITY, "measured app id",
					   DS_SPAN_ARRAY(want), DS_SPAN_ARRAY(id->app_id));
	ds_verdict_pass(v, "app-id", "the measured app id is the expected one");
	return 0;
}

static int check_host(const struct options *o, struct ds_span leaf, const struct ds_identity *id,
		      struct ds_verdict *v)
{
	struct ds_err err = DS_ERR_NULL;
	uint8_t named[20];
	bool has_id, ours;

	if (!o->host)
		return 0;
	if (!leaf.n)
		return ds_verdict_fail(v, DS_REASON_CERT_IDENTITY,
				       "there is no certificate that could name a host");
	if (ds_cert_check_host(leaf, o->host, &err))
		return ds_verdict_fail(v, DS_REASON_CERT_IDENTITY, "%s", err.msg);
	has_id = id_in_host(o->host, named);
	ours = has_id && (!memcmp(named, id->app_id, sizeof(named)) ||
			  (id->instance_id_len == sizeof(named) &&
			   !memcmp(named, id->instance_id, sizeof(named))));
	if (has_id && !ours)
		return ds_verdict_fail_hex(v, DS_REASON_CERT_IDENTITY, "app id in the host name",
					   DS_SPAN_ARRAY(named), DS_SPAN_ARRAY(id->app_id));
	ds_verdict_pass(v, "host", "the certificate is for this host%s",
			has_id ? ", and so is the app" : "");
	return 0;
}

/* Refusals are in the verdict, which is to name all of them; only failures of ours stop here. */
static int hard(int r)
{
	return r < 0 ? r : 0;
}

/* A name that no id begins is the root's to give, if a root is given. */
static bool asks_for_app(const struct options *o)
{
	uint8_t named[20];

	return o->app_id || (o->host && (!expect_kms(o) || id_in_host(o->host, named)));
}

int expect_judge(const struct options *o, struct ds_span leaf, const struct ds_identity *id,
		 bool is_app, bool by_kms, struct ds_verdict *v)
{
	DS_TRY(hard(check_source(o, id, is_app || asks_for_app(o), by_kms, v)));
	DS_TRY(hard(check_app_id(o, id, v)));
	return hard(check_host(o, leaf, id, v));
}
