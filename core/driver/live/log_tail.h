#pragma once
/// Log tail: follows one log file as it grows, and hands on its lines.
///
/// It follows the file, not the name: a file that was renamed or removed is read to its end for as long as somebody may
/// still write to it (RENAMED, then ENDED). One that was cut short (copytruncate) is read from its beginning again,
/// also when it has grown past where it was: the bytes before that place are not the same any more. Work is bounded: a
/// turn reads as much as it is given, and what lies too far behind is skipped, counted. Memory is bounded: nothing is
/// kept of a file but its place; a line that is not whole yet is read again. Lines end in "\n", or where the file has
/// stood still for TEND_LOG_STILL_MS. One longer than TEND_LOG_LINE_BYTES is handed on cut, and the rest of it passed
/// over. Never waits: only regular files are opened.
/// Ownership: who creates destroys. Threads: none.

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    TEND_LOG_LINE_BYTES = 64 * 1024,
    TEND_LOG_PRINT_BYTES = 32,
    TEND_LOG_BLOCK_BYTES = TEND_LOG_LINE_BYTES + TEND_LOG_PRINT_BYTES, ///< of the buffer of a turn
    TEND_LOG_BEHIND_BYTES = 8 * 1024 * 1024,                           ///< more than that behind, and it skips ahead
    TEND_LOG_KEPT_BYTES = 256 * 1024,                                  ///< to that much before the end
    TEND_LOG_STILL_MS = 5000,   ///< a last line without its newline is one after that long without more of it
    TEND_LOG_LINGER_MS = 10000, ///< a file that was renamed and does not grow for that long has ended
};

/// Which file, and up to where it was read: lets a later tail go on there, under whatever name it finds the file.
struct tend_log_place {
    dev_t device;
    ino_t inode;
    int64_t offset;
    char print[TEND_LOG_PRINT_BYTES]; ///< the bytes before the offset
    size_t print_bytes;
};

struct tend_log_counts {
    uint64_t lines;
    uint64_t bytes;
    uint64_t skipped_bytes;
    uint64_t cut_lines;
    uint64_t restarts; ///< times that the file was cut short
};

struct tend_log_tail;

/// Where reading begins.
enum tend_log_from { TEND_LOG_FROM_BEGIN, TEND_LOG_FROM_END };

/// @param path  copied; symbolic links are followed when root, tend's user or the file's owner made each of them
/// @param places  of files read before: one of them that is this file says where to go on
/// @return TEND_OK; TEND_E_INVALID: no regular file; TEND_E_IO: it is not there, or may not be read; TEND_E_NOMEM
TEND_MUST_CHECK enum tend_status tend_log_tail_create(const char *path, enum tend_log_from from,
                                                      const struct tend_log_place *places, size_t place_count,
                                                      struct tend_log_tail **out, struct tend_error *error);
void tend_log_tail_destroy(struct tend_log_tail *tail); ///< NULL is allowed

/// Reads on. @param budget_bytes  most to be read, at least one block is  @param block  of TEND_LOG_BLOCK_BYTES
/// @param on_line  takes each whole line, without its newline, borrowed for the call
/// @return bytes that were read, again or not; 0: there is nothing new
size_t tend_log_tail_read(struct tend_log_tail *tail, size_t budget_bytes, char *block, int64_t now_ms,
                          void (*on_line)(void *context, const char *line, size_t bytes), void *context);

/// Looks whether the name still is this file. @return true: it is not, or gone; a new file of that name is another tail
bool tend_log_tail_was_renamed(struct tend_log_tail *tail, int64_t now_ms);
/// Whether all is read of a file that was renamed.
bool tend_log_tail_has_ended(const struct tend_log_tail *tail, int64_t now_ms);
const char *tend_log_tail_path(const struct tend_log_tail *tail);
bool tend_log_tail_is_file(const struct tend_log_tail *tail, dev_t device, ino_t inode);
struct tend_log_place tend_log_tail_place(const struct tend_log_tail *tail);
struct tend_log_counts tend_log_tail_counts(const struct tend_log_tail *tail);
