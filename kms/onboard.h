/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a KMS without roots gets them (spec/kms 2.8, 6.2, 6.3): makes them, or joins another node. One
 * request at a time, from whoever has the token. onboard.c has the methods, onboard_join.c the
 * conversation with the other node.
 *
 * The other node is known by one thing, the key of its TLS session: the first connection notes it,
 * the evidence that is bound to it is judged and the policy asked, and the roots are taken on a
 * second connection only if it is with the same key.
 */
#ifndef KMS_ONBOARD_H
#define KMS_ONBOARD_H

#include "keys.h"
#include "net.h"

#include <ds/net/kms.h>

struct kms_onboard {
	struct kms_net *net;
	char token[65];
	struct event *exit; /* once the last reply is on its way */
	bool done;	    /* the roots are on disk */
	/* of the request that is being served, NULL: none */
	struct ds_req *req;
	const char *op;
	char domain[256];
	struct ds_call *call;
	struct kms_subject s; /* ourselves for Bootstrap, the other node for Onboard */
	struct ds_err err;    /* why it could not be judged */
	uint8_t report_data[64];
	/* the other node */
	char url[512];
	struct ds_buf leaf, pin; /* its certificate, and the key in it */
	struct ds_kms_temp_ca ca;
	struct ds_buf cert_pem; /* ours */
};

/* The roots that the keys process holds go to disk, and the request is answered. */
void kms_onboard_commit(struct kms_onboard *ob, const struct kms_new_answer *pub,
			struct ds_span evidence);
/* The request failed. r > 0: refused, why says; r < 0: err says, if it was filled. */
void kms_onboard_fail(struct kms_onboard *ob, int r, const struct kms_refusal *why,
		      const struct ds_err *err);
/* The secret part of an ask is wiped. */
DS_MUST int kms_onboard_ask(struct kms_onboard *ob, struct kms_new_ask *q,
			    struct kms_new_answer *ret, struct ds_err *err);

/* onboard_join.c: from now on kms_onboard_commit() or kms_onboard_fail() comes. */
void kms_join(struct kms_onboard *ob);

#endif
