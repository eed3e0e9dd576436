// SPDX-License-Identifier: Apache-2.0
/* Names in an application's certificate. */
#include "names.h"

#include <arpa/inet.h>
#include <ds/base/text.h>
#include <strings.h>

#define MAX_SANS 16u

/*
 * A host name as certificates have it. One whose last label is a number is an address to some
 * clients, and such an address is in no list here: 127.1, 0x7f.1.
 */
static bool dns_ok(const char *name)
{
	size_t label = 0;
	const char *last;

	if (!strncmp(name, "*.", 2))
		name += 2;
	last = name;
	for (const char *p = name;; p++) {
		if (*p == '.' || !*p) {
			if (!label || label > 63 || p[-1] == '-')
				return false;
			if (!*p)
				return p - name <= 253 && !(*last >= '0' && *last <= '9' &&
							    !last[strspn(last, "0123456789")]) &&
				       strncasecmp(last, "0x", 2);
			label = 0;
			last = p + 1;
			continue;
		}
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') || *p == '_' || (*p == '-' && label)))
			return false;
		label++;
	}
}

/* Its 16 bytes: one address has many spellings. An IPv4 address is the one that IPv6 maps it to. */
static bool address(const char *text, uint8_t ret[16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (inet_pton(AF_INET6, text, ret) == 1)
		return true;
	memcpy(ret, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, ret + sizeof(mapped)) == 1;
}

/* Would a client that asks for host accept a certificate with this name? */
static bool covers(const char *name, const char *host)
{
	uint8_t a[16], b[16];
	const char *dot;

	if (!strcasecmp(name, host))
		return true;
	if (address(name, a) && address(host, b))
		return !memcmp(a, b, sizeof(a));
	dot = strchr(host, '.');
	return !strncmp(name, "*.", 2) && dot && !strcasecmp(name + 1, dot);
}

/*
 * Guests of the ecosystem check the KMS by chain and name only, so no app may have a certificate in
 * its name: not even a wildcard that covers it (spec/kms 8, item 3). All nodes have one root, so a
 * name of another node is as good as one of ours.
 */
static bool is_the_kms(const struct kms_name_rules *rules, const char *name)
{
	if (covers(name, rules->domain))
		return true;
	for (size_t i = 0; i < rules->n_own; i++)
		if (covers(name, rules->own[i]) || covers(rules->own[i], name))
			return true;
	for (size_t i = 0; i < rules->n_nodes; i++)
		if (covers(name, rules->nodes[i]))
			return true;
	return false;
}

/* Platform host names begin with an app or instance id (spec/gateway 1.2). */
static bool starts_with_id(const char *name, uint8_t ret[20])
{
	const char *end = name + 40;

	return strnlen(name, 40) == 40 && !ds_hex_decode(name, 40, ret, 20) &&
	       (!*end || *end == '.' || *end == '-');
}

static bool is_of(const struct ds_identity *id, const char *name)
{
	uint8_t named[20];

	return starts_with_id(name, named) &&
	       (!memcmp(named, id->app_id, 20) ||
		(id->instance_id_len == 20 && !memcmp(named, id->instance_id, 20)));
}

static bool is_reserved(const struct kms_name_rules *rules, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < rules->n_reserved; i++) {
		const char *host = rules->reserved[i];
		size_t k = strlen(host);

		if (host[0] != '.' && covers(name, host))
			return true;
		if (host[0] == '.' && n > k && !strcasecmp(name + n - k, host) &&
		    !is_of(rules->id, name))
			return true;
	}
	return false;
}

/* For subject and alternative names alike. */
static int check_owner(const struct kms_name_rules *rules, const char *what, const char *code,
		       const char *name, struct kms_refusal *why)
{
	uint8_t named[20];
	char shown[80];

	ds_escape(DS_SPAN_STR(name), shown, sizeof(shown));
	if (is_the_kms(rules, name))
		return kms_refuse(why, code, "%s is the KMS's own: %s", what, shown);
	if (starts_with_id(name, named) && !is_of(rules->id, name))
		return kms_refuse(why, code, "%s is another app's: %s", what, shown);
	if (rules->gateway)
		return 0;
	/* it would cover the names of other apps; the gateway ends TLS for all of them */
	if (!strncmp(name, "*.", 2))
		return kms_refuse(why, code, "%s: only the gateway may have a wildcard: %s", what,
				  shown);
	if (is_reserved(rules, name))
		return kms_refuse(why, code, "%s is reserved for the gateway: %s", what, shown);
	return 0;
}

static bool text_ok(const char *s, size_t max)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			return false;
	return n <= max;
}

static bool listed(const char *name, char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(name, names[i]))
			return true;
	return false;
}

/*
 * Without an alternative name clients compare the subject with the host they want, wildcards
 * included: one that could match is held to the rules of alternative names by having to be one.
 */
static int check_subject(const struct kms_name_rules *rules, const char *subject,
			 char *const *names, size_t n, struct kms_refusal *why)
{
	uint8_t ip[16];

	if (!text_ok(subject, 64))
		return kms_refuse(why, "csr-subject",
				  "subject: expected at most 64 printable ASCII characters");
	DS_TRY(check_owner(rules, "subject", "csr-subject", subject, why));
	if ((strpbrk(subject, ".*") || address(subject, ip)) && !listed(subject, names, n))
		return kms_refuse(why, "csr-subject",
				  "subject looks like a host name, so it must be an alternative "
				  "name as well: %s",
				  subject);
	return 0;
}

int kms_names_check(const struct kms_name_rules *rules, const char *subject, const char *org,
		    char *const *names, size_t n, struct kms_refusal *why)
{
	uint8_t ip[16];
	char shown[80];

	DS_TRY(check_subject(rules, subject, names, n, why));
	if (org && (!*org || !text_ok(org, 64)))
		return kms_refuse(why, "csr-subject",
				  "organisation: expected 1 to 64 printable ASCII characters");
	if (n > MAX_SANS)
		return kms_refuse(why, "csr-names",
				  "expected at most %u alternative names, got %zu", MAX_SANS, n);
	for (size_t i = 0; i < n; i++) {
		ds_escape(DS_SPAN_STR(names[i]), shown, sizeof(shown));
		if (!address(names[i], ip) && !dns_ok(names[i]))
			return kms_refuse(why, "csr-names",
					  "alternative name is neither host name nor address: %s",
					  shown);
		DS_TRY(check_owner(rules, "alternative name", "csr-names", names[i], why));
	}
	return 0;
}

bool kms_node_name_ok(const char *name)
{
	uint8_t ip[16];

	return address(name, ip) || (name[0] != '*' && dns_ok(name));
}

bool kms_reserved_ok(const char *name)
{
	return name[0] != '*' && dns_ok(name + (name[0] == '.'));
}
