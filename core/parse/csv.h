#pragma once
/// CSV: records of comma-separated fields, as RFC 4180 has them, one at a time from bytes that come in pieces.
///
/// A field may be quoted; "" within quotes is one quote. Lines end with LF or CR LF, the last one with the end. Strict:
/// a quote within a bare field, text behind a closing quote, a quote that is never closed and NUL bytes are errors.
/// Units: bytes. Ownership: who inits a record clears it. Threads: none shared.

#include "base/buffer.h"
#include "base/status.h"

#include <stddef.h>

enum {
    TEND_CSV_FIELDS_MAX = 100000,            ///< of a record
    TEND_CSV_RECORD_BYTES_MAX = 16 * 1048576 ///< likewise, with its quotes
};

struct tend_csv_field {
    const char *text; ///< unquoted, any bytes but NUL; not NUL-terminated
    size_t bytes;
};

struct tend_csv_record {
    struct tend_csv_field *fields; ///< of the newest record; borrowed from it and from the bytes that were read
    size_t count;                  ///< at least 1 after a record was read; an empty line is one empty field
    size_t lines;                  ///< that it took, line breaks within quotes counted
    size_t capacity;               ///< private, as is what follows
    struct tend_buffer unquoted;
};

/// The field without blanks and tabs at its ends, which RFC 4180 has as part of it.
struct tend_csv_field tend_csv_field_trimmed(struct tend_csv_field field);

void tend_csv_record_init(struct tend_csv_record *record);
void tend_csv_record_clear(struct tend_csv_record *record);

/// Reads the record at the beginning of the bytes.
/// @param is_last  no bytes come after these
/// @param[out] used  bytes of the record and its line end; 0: there is no whole record in these bytes (at the end: none
/// at all)
/// @param[out] error  on failure: what is wrong, with the field's number; NULL is allowed
/// @return TEND_OK, TEND_E_INVALID, TEND_E_LIMIT or TEND_E_NOMEM; on failure `lines` is the line within the record,
/// from 0
TEND_MUST_CHECK enum tend_status tend_csv_read(const char *text, size_t bytes, bool is_last,
                                               struct tend_csv_record *record, size_t *used, struct tend_error *error);
