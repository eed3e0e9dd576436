// SPDX-License-Identifier: Apache-2.0
/* Running a command of dstack-verify in process, in a folder of its own, see world.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <ds/base/file.h>

#include "verify.h"
#include "world.h"

/* $DSTACK_VERIFY_COLLECT: append what a command printed, one JSON object a line, for a test of the schema. */
static void collect(const char *command, json_t *doc)
{
	const char *path = getenv("DSTACK_VERIFY_COLLECT");
	json_t *line;
	FILE *f;

	if (!path || !doc)
		return;
	f = fopen(path, "ae");
	line = json_pack("{s:s, s:O}", "command", command, "output", doc);
	assert_true(f && line && !json_dumpf(line, f, JSON_COMPACT) && fputc('\n', f) == '\n');
	json_decref(line);
	assert_int_equal(fclose(f), 0);
}

static char dir[] = "/tmp/dstack-verify-test-XXXXXX";

int world_enter(void **state)
{
	return mkdtemp(dir) && !chdir(dir) ? 0 : -1;
}

int world_leave(void **state)
{
	DIR *d = opendir(".");
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlink(e->d_name);
	return !d || closedir(d) || chdir("/") || rmdir(dir);
}

/* Run in dir with stdout in the file "out"; the reason in the JSON goes to reason. */
int run(int (*cmd)(int, char **), char reason[40], const char *const *args)
{
	int out = open("out", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600),
	    saved = dup(STDOUT_FILENO);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC), err = dup(STDERR_FILENO);
	char *argv[24] = { NULL };
	const char *text;
	json_t *doc;
	int argc = 0, rc;

	while (args[argc]) {
		argv[argc] = strdup(args[argc]);
		argc++;
	}
	fflush(stdout);
	assert_true(dup2(out, STDOUT_FILENO) >= 0 && dup2(null, STDERR_FILENO) >= 0);
	rc = cmd(argc, argv);
	if (fflush(stdout))
		__fpurge(stdout); /* not into what comes next */
	clearerr(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0);
	(void)lseek(out, 0, SEEK_SET);
	doc = json_loadfd(out, 0, NULL);
	collect(args[0], doc);
	text = doc ? json_string_value(json_object_get(doc, "reason")) : NULL;
	(void)snprintf(reason, 40, "%s", text ? text : "?");
	json_decref(doc);
	for (int i = 0; i < 24; i++)
		free(argv[i]);
	close(out);
	close(saved);
	close(null);
	close(err);
	return rc;
}

void expect(int (*cmd)(int, char **), const char *const *args, int want_rc, const char *want)
{
	char reason[40];
	int rc = run(cmd, reason, args);

	if (rc != want_rc || (want && strcmp(want, reason)))
		fail_msg("expected %d '%s', got %d '%s'", want_rc, want ? want : "", rc, reason);
}

bool said(const char *text)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;

	assert_int_equal(ds_read_file(AT_FDCWD, "out", 1u << 20, &out), 0);
	return memmem(out.p, out.n, text, strlen(text));
}
