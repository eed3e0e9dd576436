/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For whom roots may be sealed: the file replicate_to, in which the operator lists the keys of other
 * nodes' keys processes. The keys process reads it itself, at each export: what the net process says
 * about a recipient, evidence included, is the net process's word.
 *
 * One key a line, 64 hex digits, with a name behind it or not; "#" begins a comment. Only the
 * directory stays open, so a file that was replaced by another one is that other one.
 */
#ifndef KMS_CONSENT_H
#define KMS_CONSENT_H

#include "conf.h"

#include <fcntl.h>
#include <sys/stat.h>

#define KMS_CONSENT_MAX	 (16u << 10) /* the file */
#define KMS_CONSENT_NAME 64u
/* With these the file is opened, and with no others: the keys process's filter says so. */
#define KMS_CONSENT_FLAGS (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

struct kms_consent {
	const char *path, *name; /* the configuration's; name is the part in the directory */
	int dirfd;
	uid_t keys, net; /* who reads it, and who must not be able to write it */
};

#define KMS_CONSENT_NULL ((struct kms_consent){ .dirfd = -1 })

struct kms_listing {
	size_t keys; /* in the file */
	bool listed;
	char name[KMS_CONSENT_NAME + 1]; /* of the first line with the key */
};

/* Pure. key NULL: only counts. -EBADMSG with the line, -EFBIG; a file with one bad line lists nobody. */
DS_MUST int kms_consent_parse(struct ds_span text, const uint8_t *key, struct kms_listing *ret,
			      struct ds_err *err);

/* Pure: nobody but root and, if it is another user than net, keys may change it. -EPERM. */
DS_MUST int kms_consent_safe(const struct stat *st, uid_t keys, uid_t net, struct ds_err *err);

/* Of a configuration with replicate_to. Both the directory and the file are checked. */
DS_MUST int kms_consent_open(const struct kms_conf *conf, struct kms_consent *ret,
			     struct ds_err *err);
/* What the file says now. */
DS_MUST int kms_consent_read(const struct kms_consent *c, const uint8_t *key,
			     struct kms_listing *ret, struct ds_err *err);
void kms_consent_close(struct kms_consent *c);

#endif
