#pragma once
/// Log line: what one line of a program's log says: how grave it is, and its message.
///
/// Lines are plain text, or JSON objects with the fields that loggers write. Trusts nothing: any bytes are safe, NUL
/// and broken UTF-8 too; what is no JSON is plain. Times that a line tells are not read: programs' clocks are theirs.

#include <stdbool.h>
#include <stddef.h>

enum tend_line_level { TEND_LINE_INFO, TEND_LINE_WARNING, TEND_LINE_ERROR };

enum tend_line_format {
    TEND_LINE_ANY, ///< JSON when it is an object, else plain
    TEND_LINE_PLAIN,
};

enum { TEND_LINE_MESSAGE_BYTES = 4096 }; ///< of a message that are looked at

struct tend_line {
    enum tend_line_level level;
    const char *message; ///< within the line, or in the scratch
    size_t bytes;        ///< at most TEND_LINE_MESSAGE_BYTES
    bool continues;      ///< it goes on with the message of the line before: a stack trace, an empty line
};

/// The level that a logger's word means: "error", "FATAL", "W", "crit" …; what is unknown is INFO.
enum tend_line_level tend_line_level_of(const char *word, size_t bytes);

/// Reads a line, without its newline. What containers put before or around each line is taken off.
/// @param scratch  of TEND_LINE_MESSAGE_BYTES, where an escaped message is written; lives as long as @p out
void tend_line_read(const char *text, size_t bytes, enum tend_line_format format, char *scratch, struct tend_line *out);
