#pragma once
/// Log export: the text of log lines that were exported, read into a log book.
///
/// Text: CSV, a header `time,service,level,message`, then a record a line of the log, in any order. What the first
/// column is called does not matter, nor do upper case and blanks in the header. A file without a header is taken when
/// its first line is one of a log. Times are as parse/moment.h has them; a line whose clock was not set (a number that
/// is no time, the year 1) is passed over.
/// Units: seconds since 1970. Ownership: none. Threads: none shared.

#include "locate/log_book.h"

/// Adds all lines of the text to the book.
/// @param[out] line  of the text where it is malformed
/// @param[out] error  what is wrong and what would be right, without the line
/// @return TEND_OK, TEND_E_INVALID (the book has the lines before), TEND_E_LIMIT or TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_log_export_read(struct tend_log_book *book, const char *text, size_t bytes,
                                                      size_t *line, struct tend_error *error);
