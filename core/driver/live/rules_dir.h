#pragma once
/// Rules directory: reads the files of one generation of rules, as the sources that an evaluator is given.
///
/// Every *.lua below DIR is read but those below env/, tests (*_test.lua) and what begins with a dot, sorted by path.
/// Rules decide what is run, so a file counts only when it is a regular one, no link, owned by us or root, and writable
/// by nobody else than its owner. A fault with one file is a fault of all: half a set of rules is no rules.
/// Limits: 1 MB a file, 10 MB and 1,000 files in all, 8 directories deep.

#include "base/json.h"
#include "base/status.h"

/// Reads the directory.
/// @param env  NAME of DIR/env/NAME.lua; NULL: none
/// @param secrets  a directory whose files are the secrets (only their names are looked at); NULL: not known
/// @param[out] sources  {"files":[{"name","text"}], "env":{"name","text"}|null, "secrets":[name]|null}
/// @param[out] error  "shop.lua: …"; the first fault found
/// @return TEND_OK, TEND_E_INVALID, TEND_E_LIMIT, TEND_E_IO or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_rules_dir_read(const char *dir, const char *env, const char *secrets,
                                                     json_t **sources, struct tend_error *error);

/// The same with the tests (*_test.lua) among the files.
TEND_MUST_CHECK enum tend_status tend_rules_dir_read_with_tests(const char *dir, const char *env, json_t **sources,
                                                                struct tend_error *error);

/// The generation's hash: over the files and env of the sources, and the standard library in this binary; not over
/// secrets' names. @param[out] hash  64 hex digits and a NUL
void tend_rules_dir_hash(const json_t *sources, char hash[65]);
