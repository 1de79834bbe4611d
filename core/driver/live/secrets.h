#pragma once
/// Secrets: a directory with a file for each secret, named as the secret; what rules hold is only the name.
///
/// A file is read each time it is needed, so a rotated secret holds at once and none stays in memory. One trailing
/// newline (LF or CR LF) is cut. Refused are files that are no regular file (symbolic links too), not owned by root or
/// this user, open to others or writable by a group, empty, over 64 kB or with a NUL in them; and names of other than
/// letters, digits, "_", "-" and ".", or that start with ".".
/// Ownership: who opens it closes it; wipe what you were given with tend_secrets_wipe. Threads: any may read.

#include "base/buffer.h"
#include "base/json.h"
#include "base/status.h"

struct tend_secrets; // opaque: the fields are in secrets.c

/// Opens the directory. @param[out] error  why not; NULL is allowed
/// @return TEND_OK, TEND_E_IO, TEND_E_INVALID (others may write to it) or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_secrets_open(const char *directory, struct tend_secrets **out,
                                                   struct tend_error *error);
void tend_secrets_close(struct tend_secrets *secrets); ///< NULL is allowed

/// The names there are now, sorted, as a JSON array; the caller owns it. NULL: out of memory or unreadable.
json_t *tend_secrets_names(const struct tend_secrets *secrets);

/// Appends a secret's bytes. @param secrets  NULL: there are none
/// @return TEND_OK, TEND_E_INVALID (no such secret, or refused), TEND_E_IO, TEND_E_LIMIT or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_secrets_get(const struct tend_secrets *secrets, const char *name,
                                                  struct tend_buffer *out, struct tend_error *error);

/// Appends TEXT: a string, {"secret":"name"}, or a list of those joined.
/// @param secrets  NULL: there are none  @return as get; TEND_E_INVALID when @p text is none of these
TEND_MUST_CHECK enum tend_status tend_secrets_resolve(const struct tend_secrets *secrets, const json_t *text,
                                                      struct tend_buffer *out, struct tend_error *error);

/// Overwrites the buffer's memory, then frees it.
void tend_secrets_wipe(struct tend_buffer *buffer);
