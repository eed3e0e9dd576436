// SPDX-License-Identifier: Apache-2.0
/* dstackctl contract: changes of the policy contracts, signed here, and their history, checked here. */
#include <event2/event.h>
#include <getopt.h>
#include <sys/stat.h>
#include <time.h>

#include <ds/base/file.h>
#include <ds/base/secret.h>
#include <ds/base/text.h>
#include <ds/eth/abi.h>
#include <ds/eth/fetch.h>
#include <ds/eth/history.h>
#include <ds/eth/rpc.h>
#include <ds/eth/tx.h>

#include "vm.h"

#define GWEI	   1000000000ull
#define REQUEST_MS 30000u

static const char help_text[] =
	"usage: dstackctl contract allow|deny WHAT VALUE OPTION...\n"
	"       dstackctl contract approve|withdraw|execute allow|deny WHAT VALUE OPTION...\n"
	"       dstackctl contract history OPTION...\n"
	"\n"
	"Changes a policy contract (docs/contracts.md). WHAT is compose-hash or device of an application's contract, or\n"
	"os-image, kms-mr or kms-device of the KMS contract; VALUE has 64 hex digits. With approvers, what allows more\n"
	"is approved by several of them and then executed by anyone. history lists the changes and checks that none is\n"
	"missing.\n"
	"\n"
	"  --rpc URL         a node: https, or http to a loopback address\n"
	"  --ca FILE         roots of its certificate instead of the system's\n"
	"  --chain-id N      the chain; the node must be on it\n"
	"  --address ADDR    the contract\n"
	"  --key FILE        the signer's key, 64 hex digits; nobody else may read the file\n"
	"  --tip GWEI        for one unit of gas, 1 by default\n"
	"  --wait SECONDS    for the transaction to be in a block, 120 by default\n"
	"  --dry-run         print the call and send nothing; needs no key\n"
	"  --block TAG       history: up to this block; finalized (the default), safe or latest\n"
	"  --from BLOCK      history: the contract is not older than that; 0 by default\n"
	"  --head HEX        history: what the head must be, noted elsewhere\n";

struct args {
	struct ds_eth_node node;
	uint64_t chain_id, tip, wait, from;
	uint8_t contract[20], head[32];
	const char *key, *block;
	bool has_contract, has_head, dry_run;
};

static const struct what {
	const char *name, *allow, *deny;
} whats[] = {
	{ "compose-hash", "addComposeHash(bytes32)", "removeComposeHash(bytes32)" },
	{ "device", "addDevice(bytes32)", "removeDevice(bytes32)" },
	{ "os-image", "addOsImageHash(bytes32)", "removeOsImageHash(bytes32)" },
	{ "kms-mr", "addKmsAggregatedMr(bytes32)", "removeKmsAggregatedMr(bytes32)" },
	{ "kms-device", "addKmsDevice(bytes32)", "removeKmsDevice(bytes32)" },
};

/* --- one request, waited for */

struct rpc {
	const struct args *a;
	struct event_base *base;
	struct ds_eth_fetch *fetch;
	struct ds_buf reply;
	int r;
	struct ds_err err;
};

static void on_reply(void *arg, int r, struct ds_span body, const struct ds_err *err)
{
	struct rpc *c = arg;

	c->r = r ? r : ds_buf_add_span(&c->reply, body);
	c->err = *err;
}

/* body is done with. The reply is in c until the next one. */
static int ask(struct rpc *c, struct ds_buf *body)
{
	struct ds_eth_get *get;
	int r;

	ds_buf_done(&c->reply);
	c->err = DS_ERR_NULL;
	c->r = 1;
	r = ds_eth_get_start(c->fetch, &c->a->node, ds_buf_span(body), DS_ETH_MAX_REPLY, on_reply, c,
			     &get, &c->err);
	while (!r && c->r == 1)
		if (event_base_loop(c->base, EVLOOP_ONCE))
			c->r = -EIO;
	ds_buf_done(body);
	return r ? r : c->r;
}

static int rpc_failure(const struct rpc *c, int r, const char *what)
{
	return failure("%s: %s", what, c->err.code ? c->err.msg : strerror(-r));
}

static int open_rpc(struct rpc *c)
{
	DS_BUF struct ds_buf body = DS_BUF_NULL;
	uint64_t id = 0;
	int r;

	c->base = event_base_new();
	r = c->base ? ds_eth_fetch_new(c->base, &c->fetch) : -ENOMEM;
	if (!r)
		r = ds_eth_ask_chain_id(&body);
	if (!r)
		r = ask(c, &body);
	if (!r)
		r = ds_eth_take_chain_id(ds_buf_span(&c->reply), &id, &c->err);
	if (r)
		return rpc_failure(c, r, "eth_chainId");
	return id == c->a->chain_id ? 0 :
				      failure("the node is on chain %llu, expected %llu",
					      (unsigned long long)id,
					      (unsigned long long)c->a->chain_id);
}

static void close_rpc(struct rpc *c)
{
	ds_buf_done(&c->reply);
	ds_eth_fetch_free(c->fetch);
	if (c->base)
		event_base_free(c->base);
}

/* --- changes */

/* Nobody but its owner may read the file. */
static int load_key(const char *path, struct ds_secret **ret)
{
	DS_SECRET struct ds_secret *text = NULL, *key = NULL;
	struct stat st;
	size_t n, skip;
	int r;

	if (stat(path, &st))
		return failure("%s: %s", path, strerror(errno));
	if (st.st_mode & 077)
		return failure("%s: expected mode 0600, got %04o", path, st.st_mode & 07777u);
	r = ds_read_file_secret(AT_FDCWD, path, 80, &text);
	if (r)
		return failure("%s: %s", path, strerror(-r));
	key = ds_secret_new(32);
	if (!key)
		return failure("out of memory");
	n = text->n;
	while (n && strchr(" \t\r\n", text->p[n - 1]))
		n--;
	skip = n > 2 && !memcmp(text->p, "0x", 2) ? 2 : 0;
	if (n - skip != 64 || ds_hex_decode((const char *)text->p + skip, 64, key->p, 32))
		return failure("%s: expected 64 hex digits", path);
	*ret = key;
	key = NULL;
	return 0;
}

static int number(struct rpc *c, struct ds_buf *body, const char *what, uint64_t *ret)
{
	int r = ask(c, body);

	if (!r)
		r = ds_eth_take_number(ds_buf_span(&c->reply), ret, &c->err);
	return r ? rpc_failure(c, r, what) : 0;
}

static int fill(struct rpc *c, const uint8_t from[20], struct ds_eth_tx *tx)
{
	DS_BUF struct ds_buf body = DS_BUF_NULL;
	struct ds_eth_block block;
	int r;

	if (ds_eth_ask_nonce(from, &body))
		return failure("out of memory");
	DS_TRY(number(c, &body, "eth_getTransactionCount", &tx->nonce));
	if (ds_eth_ask_gas(from, tx->to, tx->data, &body))
		return failure("out of memory");
	/* this is where a contract refuses */
	DS_TRY(number(c, &body, "the contract would refuse", &tx->gas));
	r = ds_eth_ask_block("latest", &body);
	if (!r)
		r = ask(c, &body);
	if (!r)
		r = ds_eth_take_block(ds_buf_span(&c->reply), &block, &c->err);
	if (r)
		return rpc_failure(c, r, "eth_getBlockByNumber");
	if (tx->gas > 30000000 || block.base_fee > 1000000 * GWEI)
		return failure("the node asks for %llu gas at %llu wei",
			       (unsigned long long)tx->gas, (unsigned long long)block.base_fee);
	tx->gas += tx->gas / 5;
	tx->priority_fee = c->a->tip * GWEI;
	tx->max_fee = 2 * block.base_fee + tx->priority_fee;
	return 0;
}

static int wait_for(struct rpc *c, const uint8_t hash[32])
{
	const struct timespec pause = { .tv_sec = 1 };
	DS_BUF struct ds_buf body = DS_BUF_NULL;
	struct ds_eth_receipt receipt = { 0 };
	time_t end = time(NULL) + (time_t)c->a->wait;
	bool done = false;
	int r;

	do { /* there is nothing to wait on: a node answers what it is asked */
		r = ds_eth_ask_receipt(hash, &body);
		if (!r)
			r = ask(c, &body);
		if (!r)
			r = ds_eth_take_receipt(ds_buf_span(&c->reply), &done, &receipt, &c->err);
		if (r)
			return rpc_failure(c, r, "eth_getTransactionReceipt");
	} while (!done && time(NULL) < end && !nanosleep(&pause, NULL));
	if (!done)
		return failure("it is in no block after %llu seconds",
			       (unsigned long long)c->a->wait);
	if (!receipt.success)
		return failure("block %llu has it, and it failed", (unsigned long long)receipt.block);
	printf("done in block %llu\n", (unsigned long long)receipt.block);
	return 0;
}

static int send_call(const struct args *a, struct ds_span call)
{
	struct ds_eth_tx tx = { .chain_id = a->chain_id, .data = call };
	DS_BUF struct ds_buf raw = DS_BUF_NULL, body = DS_BUF_NULL;
	DS_SECRET struct ds_secret *key = NULL;
	struct rpc c = { .a = a };
	uint8_t from[20], hash[32], said[32];
	char hex[65];
	int r = load_key(a->key, &key);

	memcpy(tx.to, a->contract, 20);
	if (!r && ds_eth_address(key->p, from))
		r = failure("%s: this is no key", a->key);
	if (!r)
		r = open_rpc(&c);
	if (!r)
		r = fill(&c, from, &tx);
	if (!r && (ds_eth_tx_sign(&tx, key->p, &raw, hash) ||
		   ds_eth_ask_send(ds_buf_span(&raw), &body)))
		r = failure("cannot sign");
	if (!r) {
		r = ask(&c, &body);
		if (!r)
			r = ds_eth_take_sent(ds_buf_span(&c.reply), said, &c.err);
		if (r)
			r = rpc_failure(&c, r, "eth_sendRawTransaction");
	}
	if (!r) {
		printf("transaction 0x%s\n", ds_hex_encode(hash, 32, hex));
		fflush(stdout);
		r = wait_for(&c, hash);
	}
	close_rpc(&c);
	return r ? 1 : 0;
}

static int make_call(char **words, struct ds_buf *ret)
{
	const char *signature = NULL;
	uint8_t value[32];
	bool allow = !strcmp(words[0], "allow");

	if (!allow && strcmp(words[0], "deny"))
		return usage_error("contract: expected allow or deny, got '%s'", words[0]);
	for (size_t i = 0; i < DS_ARRAY_SIZE(whats); i++)
		if (!strcmp(words[1], whats[i].name))
			signature = allow ? whats[i].allow : whats[i].deny;
	if (!signature)
		return usage_error("contract: expected compose-hash, device, os-image, kms-mr or "
				   "kms-device, got '%s'",
				   words[1]);
	if (ds_hex_decode_exact(words[2] + (strncmp(words[2], "0x", 2) ? 0 : 2), value, 32))
		return usage_error("contract: expected 64 hex digits, got '%s'", words[2]);
	return ds_eth_abi_call_word(signature, value, ret) ? failure("out of memory") : 0;
}

static int change(const struct args *a, char **words, int n)
{
	static const char *const about[][2] = { { "approve", "approve(bytes)" },
						{ "withdraw", "withdrawApproval(bytes)" },
						{ "execute", "execute(bytes)" } };
	DS_BUF struct ds_buf inner = DS_BUF_NULL, call = DS_BUF_NULL, hex = DS_BUF_NULL;
	const char *wrap = NULL;

	for (size_t i = 0; i < DS_ARRAY_SIZE(about); i++)
		if (!strcmp(words[0], about[i][0]))
			wrap = about[i][1];
	if (n != 3 + (wrap != NULL))
		return usage_error("contract: expected allow|deny WHAT VALUE (see --help)");
	DS_TRY(make_call(words + (wrap != NULL), &inner));
	if (wrap ? ds_eth_abi_call_bytes(wrap, ds_buf_span(&inner), &call) :
		   ds_buf_add_span(&call, ds_buf_span(&inner)))
		return failure("out of memory");
	if (a->dry_run) {
		if (ds_buf_add_hex(&hex, ds_buf_span(&call)))
			return failure("out of memory");
		printf("0x%s\n", ds_buf_cstr(&hex));
		return 0;
	}
	if (!a->key)
		return usage_error("contract: --key is needed (see --help)");
	return send_call(a, ds_buf_span(&call));
}

/* --- history */

#define PAGE 10000u /* blocks of one request: what nodes take */

struct story {
	uint8_t head[32];
	uint64_t n;
};

static int tell(void *arg, const struct ds_eth_change *c)
{
	const char *name = ds_eth_policy_name(c->policy);
	char actor[41], value[65], policy[65];
	struct story *s = arg;

	ds_eth_history_fold(s->head, c);
	s->n++;
	printf("%llu 0x%s %s %s 0x%s\n", (unsigned long long)c->block,
	       ds_hex_encode(c->actor, 20, actor), c->enabled ? "+" : "-",
	       name ? name : ds_hex_encode(c->policy, 32, policy), ds_hex_encode(c->value, 32, value));
	return 0;
}

/* The words of the contract at the block, proven under its state root. */
static int proven(struct rpc *c, struct ds_eth_block *block, uint8_t word[2][32])
{
	DS_BUF struct ds_buf body = DS_BUF_NULL;
	struct ds_eth_account acc;
	int r = ds_eth_ask_block(c->a->block, &body);

	if (!r)
		r = ask(c, &body);
	if (!r)
		r = ds_eth_take_block(ds_buf_span(&c->reply), block, &c->err);
	if (r)
		return rpc_failure(c, r, "eth_getBlockByNumber");
	r = ds_eth_ask_proof(c->a->contract, ds_eth_history_slots, 2, block->hash, &body);
	if (!r)
		r = ask(c, &body);
	if (!r)
		r = ds_eth_take_proof(ds_buf_span(&c->reply), block->state_root, c->a->contract,
				      ds_eth_history_slots, 2, &acc, word, &c->err);
	if (r)
		return rpc_failure(c, r, "eth_getProof");
	return acc.exists ? 0 : failure("there is no contract at the address");
}

static int compare(const struct args *a, const struct story *s, const struct ds_eth_block *block,
		   uint8_t word[2][32])
{
	char head[65], want[65];
	uint64_t n = 0;

	for (int i = 24; i < 32; i++)
		n = n << 8 | word[0][i];
	if (memcmp(s->head, word[1], 32) || n != s->n)
		return failure("NOT COMPLETE: %llu changes give head %s, the contract has %llu and head %s",
			       (unsigned long long)s->n, ds_hex_encode(s->head, 32, head),
			       (unsigned long long)n, ds_hex_encode(word[1], 32, want));
	if (a->has_head && memcmp(a->head, s->head, 32))
		return failure("the head is %s, expected %s", ds_hex_encode(s->head, 32, head),
			       ds_hex_encode(a->head, 32, want));
	printf("complete: %llu changes, head 0x%s at block %llu\n", (unsigned long long)n,
	       ds_hex_encode(s->head, 32, head), (unsigned long long)block->number);
	return 0;
}

/* Several nodes refuse a long answer, and one that is too long for us is none. */
static bool too_much(int r)
{
	return r == -EFBIG || r == -EPROTO;
}

/* The changes of the blocks from..to; nothing is told when that was too much. */
static int page(struct rpc *c, uint64_t from, uint64_t to, struct story *s)
{
	DS_BUF struct ds_buf body = DS_BUF_NULL;
	int r = ds_eth_ask_changes(c->a->contract, from, to, &body);

	if (!r)
		r = ask(c, &body);
	if (!r)
		r = ds_eth_take_changes(ds_buf_span(&c->reply), c->a->contract, from, to, tell, s,
					&c->err);
	return r;
}

/* Anybody may register applications, as often as he pays for: what does not fit is asked for in parts. */
static int pages(struct rpc *c, uint64_t last, struct story *s)
{
	uint64_t from = c->a->from, blocks = PAGE;

	while (from <= last) {
		uint64_t to = last - from < blocks ? last : from + blocks - 1;
		int r = page(c, from, to, s);

		if (too_much(r) && to > from)
			blocks = (to - from + 1) / 2;
		else if (r)
			return rpc_failure(c, r, "eth_getLogs");
		else
			from = to + 1;
	}
	return 0;
}

static int history(const struct args *a)
{
	struct rpc c = { .a = a };
	struct ds_eth_block block;
	struct story s = { .n = 0 };
	uint8_t word[2][32];
	int r = open_rpc(&c);

	if (!r)
		r = proven(&c, &block, word);
	if (!r)
		r = pages(&c, block.number, &s);
	if (!r)
		r = compare(a, &s, &block, word);
	close_rpc(&c);
	return r ? 1 : 0;
}

/* --- options */

static int get_number(const char *name, const char *value, uint64_t max, uint64_t *ret)
{
	return ds_parse_u64(value, strlen(value), max, ret) ?
		       usage_error("contract: --%s: expected a number up to %llu, got '%s'", name,
				   (unsigned long long)max, value) :
		       0;
}

static int get_hex(const char *name, const char *value, uint8_t *ret, size_t n, bool *ret_has)
{
	*ret_has = true;
	return ds_hex_decode_exact(value + (strncmp(value, "0x", 2) ? 0 : 2), ret, n) ?
		       usage_error("contract: --%s: expected %zu hex digits, got '%s'", name, 2 * n,
				   value) :
		       0;
}

static int option(struct args *a, int opt)
{
	switch (opt) {
	case 'r':
		a->node.url = optarg;
		return 0;
	case 'c':
		a->node.ca = optarg;
		return 0;
	case 'k':
		a->key = optarg;
		return 0;
	case 'b':
		a->block = optarg;
		return 0;
	case 'n':
		a->dry_run = true;
		return 0;
	case 'i':
		return get_number("chain-id", optarg, INT64_MAX, &a->chain_id);
	case 't':
		return get_number("tip", optarg, 1000, &a->tip);
	case 'w':
		return get_number("wait", optarg, 86400, &a->wait);
	case 'f':
		return get_number("from", optarg, INT64_MAX, &a->from);
	case 'a':
		return get_hex("address", optarg, a->contract, 20, &a->has_contract);
	case 'H':
		return get_hex("head", optarg, a->head, 32, &a->has_head);
	default:
		return 2;
	}
}

static int check(const struct args *a)
{
	struct ds_err err = DS_ERR_NULL;

	if (strcmp(a->block, "finalized") && strcmp(a->block, "safe") && strcmp(a->block, "latest"))
		return usage_error("contract: --block: expected finalized, safe or latest, got '%s'",
				   a->block);
	if (a->dry_run)
		return 0;
	if (!a->node.url || !a->chain_id || !a->has_contract)
		return usage_error("contract: --rpc, --chain-id and --address are needed");
	return ds_eth_node_check(&a->node, &err) ? usage_error("contract: --rpc: %s", err.msg) : 0;
}

int cmd_contract(int argc, char **argv)
{
	static const struct option o[] = {
		{ "rpc", 1, 0, 'r' },	{ "ca", 1, 0, 'c' },	 { "chain-id", 1, 0, 'i' },
		{ "address", 1, 0, 'a' }, { "key", 1, 0, 'k' },	 { "tip", 1, 0, 't' },
		{ "wait", 1, 0, 'w' },	{ "dry-run", 0, 0, 'n' }, { "block", 1, 0, 'b' },
		{ "from", 1, 0, 'f' },	{ "head", 1, 0, 'H' },	 { "help", 0, 0, 'h' },
		{ 0 },
	};
	struct args a = { .node = { .name = "node", .timeout_ms = REQUEST_MS },
			  .tip = 1, .wait = 120, .block = "finalized" };
	int opt, n;

	while ((opt = getopt_long(argc, argv, "h", o, NULL)) != -1) {
		if (opt == 'h') {
			fputs(help_text, stdout);
			return 0;
		}
		if (option(&a, opt))
			return 2;
	}
	n = argc - optind;
	if (!n)
		return usage_error("contract: expected a change or history (see --help)");
	if (check(&a))
		return 2;
	if (!strcmp(argv[optind], "history"))
		return n == 1 ? history(&a) : usage_error("contract: history takes no words");
	return change(&a, argv + optind, n);
}
