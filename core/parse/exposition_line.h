#pragma once
/// Exposition line: one sample line of a body, and the names in metadata lines. Internal to the exposition parser.
///
/// Both formats have the same pieces (names, labels, numbers) and differ in blanks, trailing commas, timestamps and
/// exemplars; `openmetrics` says which is read. Lines come without their newline.
/// Ownership: the reader owns its memory and borrows the body; who calls init calls clear.

#include "base/buffer.h"
#include "parse/exposition.h"

struct tend_label_list {
    struct tend_label *labels;
    size_t count;
    size_t capacity;
};

struct tend_line_reader {
    const struct tend_exposition_limits *limits;
    bool openmetrics; ///< strict single spaces, exemplars, timestamps in seconds
    bool all_ascii;   ///< the whole body is: nothing to check for UTF-8
    const char *line;
    const char *at; ///< next byte of the line
    const char *end;
    struct tend_label_list labels;
    struct tend_label_list exemplar_labels;
    struct tend_buffer unescaped; ///< what the labels of this line point to when they had escapes
    struct tend_sample sample;    ///< the last one read
    bool has_exemplar;
    enum tend_status status; ///< why the last read returned false …
    struct tend_error fault; ///< … and in words
};

void tend_line_reader_init(struct tend_line_reader *reader, const struct tend_exposition_limits *limits,
                           bool openmetrics, bool all_ascii);
void tend_line_reader_clear(struct tend_line_reader *reader);
/// Points the reader at a line, borrowed until the next one.
void tend_line_reader_start(struct tend_line_reader *reader, const char *line, size_t bytes);

/// Reads the whole line as a sample. @return false: see `status` and `fault`
bool tend_line_read_sample(struct tend_line_reader *reader);
/// Reads a metric's name, quoted or not, as metadata lines have it.
bool tend_line_read_metadata_name(struct tend_line_reader *reader, const char **name, size_t *bytes);

/// Skips spaces and tabs. @return false when the line ends there
bool tend_line_skip_blanks(struct tend_line_reader *reader);
/// Sets `status` and `fault`. @return false, always
bool tend_line_fail(struct tend_line_reader *reader, enum tend_status status, const char *format, ...)
    TEND_PRINTF(3, 4);

#define TEND_EXCERPT_BYTES 200 ///< room for what tend_line_excerpt writes
/// Quoted, escaped and cut: bytes of a body for a message. @return out
const char *tend_line_excerpt(const char *text, size_t bytes, char out[TEND_EXCERPT_BYTES]);
