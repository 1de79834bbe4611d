#pragma once
/// Checkpoint pass: one walk over an engine's state that either saves it or loads it. Private to this folder.
///
/// Each function takes a place in the state: saving, it writes what is there; loading, it sets what was written. So one
/// list of fields does both, in one order, and a field that is saved is loaded. Loading checks all it reads: the first
/// fault is kept with its place, and from then on every number read is 0, every text NULL and every array empty, so
/// that a walk ends soon and what it built can be destroyed.
/// Wire: numbers little-endian, counts u32, texts u32 length and bytes, JSON as canonical text; before what may be
/// NULL a byte that says whether it is there.

#include "base/buffer.h"
#include "base/hash_map.h"
#include "base/json.h"
#include "series/layout.h"

struct tend_engine;
struct tend_log_evidence;
struct tend_run;

struct tend_pass {
    struct tend_buffer *out; ///< saving: where to; NULL: loading
    struct tend_reader in;
    const char *begin; ///< of what is loaded
    const char *part;  ///< what of the state is walked over, for the fault
    struct tend_error fault;
    enum tend_status status;            ///< of loading; TEND_OK so far
    struct tend_hash_map *known;        ///< saving: a layout's bytes → its number + 1
    const struct tend_layout **layouts; ///< loading: by number
    size_t layout_count;
};

/// A field that came or went changes a struct's size: then this stands in the way of the build until whoever changed it
/// has passed (or left out, with the reason) the field where the assertion stands. It cannot see a field that fits into
/// padding; the test of the fields' names (test_checkpoint_bytes.c) does.
#define TEND_PASS_COVERS(type, bytes)                                                                                  \
    _Static_assert(sizeof(void *) != 8 || sizeof(struct type) == (bytes),                                              \
                   "a field of struct " #type                                                                          \
                   " came or went: it belongs in the checkpoint, so pass it below, raise TEND_CHECKPOINT_FORMAT "      \
                   "(checkpoint.c), and put the new size here")

static inline bool tend_pass_saves(const struct tend_pass *pass)
{
    return pass->out != NULL;
}
static inline bool tend_pass_failed(const struct tend_pass *pass)
{
    return pass->status != TEND_OK;
}
/// Loading found something that no engine saved. @param what  "an unknown state"; the first one counts
void tend_pass_refuse(struct tend_pass *pass, const char *what);
void tend_pass_no_memory(struct tend_pass *pass);

void tend_pass_u64(struct tend_pass *pass, uint64_t *value);
void tend_pass_i64(struct tend_pass *pass, int64_t *value);
/// A time or a duration: loading refuses what the arithmetic of times could not take.
void tend_pass_ms(struct tend_pass *pass, int64_t *value);
void tend_pass_size(struct tend_pass *pass, size_t *value);
void tend_pass_u32(struct tend_pass *pass, uint32_t *value);
void tend_pass_u8(struct tend_pass *pass, uint8_t *value);
void tend_pass_f64(struct tend_pass *pass, double *value); ///< all bits, so NaN payloads last
void tend_pass_flag(struct tend_pass *pass, bool *value);
/// One of an enum's values 0 to @p last. @return what it is now
unsigned tend_pass_choice(struct tend_pass *pass, unsigned value, unsigned last);

void tend_pass_text(struct tend_pass *pass, char **text); ///< loading: owned by the caller; may be NULL
void tend_pass_name(struct tend_pass *pass, char **text); ///< as text, but never NULL (only after a fault)
/// A text in an array of @p bytes.
void tend_pass_array_text(struct tend_pass *pass, char *text, size_t bytes);
/// The same of one that was cut to fit, perhaps within a character.
void tend_pass_cut_text(struct tend_pass *pass, char *text, size_t bytes);
void tend_pass_json(struct tend_pass *pass, json_t **json);   ///< any value, or NULL
void tend_pass_object(struct tend_pass *pass, json_t **json); ///< an object (NULL only after a fault)

/// A number of elements, each of at least @p least_bytes on the wire, so that no count asks for more memory than there
/// are bytes to fill it.
void tend_pass_count(struct tend_pass *pass, size_t *count, size_t least_bytes);
/// An array: passes its count; loading makes room for it, all zero. @return the array, NULL only after a fault
void *tend_pass_array(struct tend_pass *pass, void *array, size_t *count, size_t element_bytes, size_t least_bytes);
/// An array of names.
char **tend_pass_names(struct tend_pass *pass, char **names, size_t *count);
/// Which of @p count things; loading refuses what is none.
void tend_pass_index(struct tend_pass *pass, size_t *index, size_t count);

/// A layout, written where it first occurs and by its number after that.
/// @return the layout, borrowed from the pass; NULL is passed as such
const struct tend_layout *tend_pass_layout(struct tend_pass *pass, const struct tend_layout *layout);

// One for each part of the engine.
void tend_pass_fleet(struct tend_pass *pass, struct tend_engine *engine); ///< loading: after the listings
void tend_pass_edges(struct tend_pass *pass, struct tend_engine *engine); ///< loading: after the fleet
void tend_pass_calls(struct tend_pass *pass, struct tend_engine *engine); ///< loading: after the fleet
void tend_pass_incidents(struct tend_pass *pass, struct tend_engine *engine);
void tend_pass_runs(struct tend_pass *pass, struct tend_engine *engine);
void tend_pass_kept_baselines(struct tend_pass *pass, struct tend_engine *engine);
void tend_pass_notices(struct tend_pass *pass, struct tend_engine *engine);
void tend_pass_silences(struct tend_pass *pass, struct tend_engine *engine);
void tend_pass_log(struct tend_pass *pass, struct tend_log_evidence **log); ///< of a service; may be NULL

/// Ends the bytes from @p start on with their checksum, as tend_engine_load wants to see it.
void tend_checkpoint_seal(struct tend_buffer *out, size_t start);
