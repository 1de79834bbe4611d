#pragma once
/// Exposition body: what the readers of the two formats share while they go through the lines. Internal to the
/// exposition parser.

#include "parse/exposition_line.h"

struct tend_exposition_body {
    const char *next; ///< of the bytes not yet taken as lines
    const char *end;
    size_t line; ///< number of the line taken last, from 1; a fault is reported there
    size_t samples;
    tend_sample_fn on_sample;
    void *context;
    bool ended_by_callback;
    struct tend_line_reader reader;
};

/// Takes the next line, without its newline, and starts the reader on it. @return false: there is none
bool tend_exposition_next_line(struct tend_exposition_body *body);
/// Hands the reader's sample on. @return false: a limit, or the callback ended it; see the reader's status
bool tend_exposition_emit(struct tend_exposition_body *body);

/// Whether a name is the family's with this suffix.
bool tend_exposition_has_suffix(const char *name, size_t name_bytes, const char *family, size_t family_bytes,
                                const char *suffix);

/// The readers of the whole. @return false: see the reader's status and fault, and `line`
bool tend_exposition_read_prometheus(struct tend_exposition_body *body);
bool tend_exposition_read_openmetrics(struct tend_exposition_body *body);
