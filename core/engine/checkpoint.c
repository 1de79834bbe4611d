// A checkpoint: magic, format, the hash of the ruleset, the state, and a checksum over all of it.
//
// The state is one walk (checkpoint_pass.h). What follows from the ruleset and the listings is not in it: services,
// instances and alerts are built as after a reload, and then set. The checksum finds damage; all that is read is
// checked besides, as a checksum is soon made anew by who means harm.

#include "engine/checkpoint.h"

#include "engine/checkpoint_pass.h"
#include "engine/state.h"

#include <stdlib.h>
#include <string.h>

static const char magic[8] = { 't', 'e', 'n', 'd', 's', 't', 'a', 't' };
enum { TEND_CHECKPOINT_FORMAT = 11, CHECKSUM_BYTES = 8, LEAST_LISTED_BYTES = 6 };

// The first 64 bits of SHA-256: with the instructions that processors have for it faster than SipHash.
static uint64_t checksum(const char *bytes, size_t count)
{
    char hex[65];
    tend_sha256_hex(bytes, count, hex);
    hex[16] = '\0';
    return strtoull(hex, NULL, 16);
}

void tend_checkpoint_seal(struct tend_buffer *out, size_t start)
{
    if (!out->failed) {
        tend_buffer_put_u64(out, checksum(out->data + start, out->size - start));
    }
}

TEND_PASS_COVERS(tend_listed, 24);
TEND_PASS_COVERS(tend_listing, 24);

static void pass_listing(struct tend_pass *pass, struct tend_listing *listing)
{
    tend_pass_name(pass, &listing->key);
    listing->targets =
        tend_pass_array(pass, listing->targets, &listing->count, sizeof *listing->targets, LEAST_LISTED_BYTES);
    for (size_t i = 0; i < listing->count; i++) {
        tend_pass_name(pass, &listing->targets[i].url);
        tend_pass_text(pass, &listing->targets[i].address);
        tend_pass_json(pass, &listing->targets[i].labels);
    }
}

static void pass_listings(struct tend_pass *pass, struct tend_engine *engine)
{
    pass->part = "what discovery lists";
    engine->listings =
        tend_pass_array(pass, engine->listings, &engine->listing_count, sizeof *engine->listings, sizeof(uint64_t));
    if (!tend_pass_saves(pass) && engine->listing_count != engine->ruleset->discovery_count) {
        tend_pass_refuse(pass, "discoveries other than the rules'");
    }
    for (size_t i = 0; i < engine->listing_count; i++) {
        pass_listing(pass, &engine->listings[i]);
    }
}

TEND_PASS_COVERS(tend_rule_health, 212);

static void pass_rules(struct tend_pass *pass, struct tend_engine *engine)
{
    pass->part = "rules";
    size_t count = engine->ruleset->rule_count;
    engine->rules = tend_pass_array(pass, engine->rules, &count, sizeof *engine->rules, sizeof(uint64_t));
    if (!tend_pass_saves(pass) && count != engine->ruleset->rule_count) {
        tend_pass_refuse(pass, "rules other than the generation's");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct tend_rule_health *health = &engine->rules[i];
        tend_pass_flag(pass, &health->off);
        tend_pass_u32(pass, &health->errors);
        tend_pass_flag(pass, &health->raised);
        tend_pass_cut_text(pass, health->why, sizeof health->why);
    }
}

TEND_PASS_COVERS(tend_engine, 624);
TEND_PASS_COVERS(tend_engine_options, 32);

// Left out: `effects` is of a step under way, `calls` lies with the fleet.
static void pass_engine(struct tend_pass *pass, struct tend_engine *engine)
{
    pass->part = "the engine";
    tend_pass_ms(pass, &engine->options.at_ms);
    tend_pass_ms(pass, &engine->options.wall_ms);
    tend_pass_u64(pass, &engine->options.next_record);
    tend_pass_ms(pass, &engine->options.startup_grace_ms);
    tend_pass_ms(pass, &engine->now_ms);
    tend_pass_ms(pass, &engine->wall_ms);
    tend_pass_ms(pass, &engine->started_ms);
    tend_pass_u64(pass, &engine->next_record);
    tend_pass_u64(pass, &engine->reached);
    tend_pass_flag(pass, &engine->journal_failed);
    tend_pass_cut_text(pass, engine->journal_why, sizeof engine->journal_why);
    tend_pass_u64(pass, &engine->tick);
    tend_pass_flag(pass, &engine->tick_in_flight);
    tend_pass_u32(pass, &engine->tick_tries);
    tend_pass_ms(pass, &engine->tick_due_ms);
    tend_pass_flag(pass, &engine->paused);
    tend_pass_text(pass, &engine->paused_by);
    tend_pass_ms(pass, &engine->paused_wall_ms);
    tend_pass_object(pass, &engine->arms);
    tend_pass_object(pass, &engine->restored_guards);
    tend_pass_object(pass, &engine->restored_alerts);
    tend_pass_u64(pass, &engine->next_id);
    for (size_t i = 0; i < TEND_ENGINE_OUTCOMES; i++) {
        tend_pass_u64(pass, &engine->runs_ended[i]);
    }
    tend_pass_ms(pass, &engine->wake_ms);
    tend_pass_text(pass, &engine->blind_page);
    tend_pass_flag(pass, &engine->blind);
    tend_pass_object(pass, &engine->departed);
    if (!tend_departure_check(engine->departed)) {
        tend_pass_refuse(pass, "services that left discovery at no time");
    }
}

static void pass_state(struct tend_pass *pass, struct tend_engine *engine)
{
    pass_engine(pass, engine);
    if (engine->ruleset != NULL) {
        pass_listings(pass, engine);
        pass_rules(pass, engine);
        tend_pass_fleet(pass, engine);
        tend_pass_edges(pass, engine);
        tend_pass_calls(pass, engine);
    }
    tend_pass_kept_baselines(pass, engine);
    tend_pass_incidents(pass, engine);
    tend_pass_runs(pass, engine);
    tend_pass_notices(pass, engine);
    tend_pass_silences(pass, engine);
}

void tend_engine_save(const struct tend_engine *engine, struct tend_buffer *out)
{
    TEND_ASSERT(engine->effects == NULL); // between two steps
    const size_t start = out->size;
    const char *hash = engine->ruleset == NULL ? "" : engine->ruleset->hash;
    tend_buffer_put(out, magic, sizeof magic);
    tend_buffer_put_u32(out, TEND_CHECKPOINT_FORMAT);
    tend_buffer_put_string(out, hash, strlen(hash));
    struct tend_pass pass = { .out = out };
    struct tend_engine *passed; // one walk does both ways, and saving it changes nothing: hence no const in there
    memcpy(&passed, &engine, sizeof passed);
    if (tend_hash_map_create(&pass.known) == TEND_OK) {
        pass_state(&pass, passed);
        tend_hash_map_destroy(pass.known);
    } else {
        out->failed = true;
    }
    tend_checkpoint_seal(out, start);
}

// Magic, format, checksum and ruleset: whether the rest is worth a look.
static enum tend_status check_head(struct tend_reader *reader, const struct tend_ruleset *ruleset,
                                   struct tend_error *error)
{
    const char *begin = reader->next;
    const size_t bytes = (size_t)(reader->end - begin);
    if (bytes < sizeof magic + sizeof(uint32_t) + CHECKSUM_BYTES || memcmp(begin, magic, sizeof magic) != 0) {
        tend_error_set(error, "it is no checkpoint");
        return TEND_E_CORRUPT;
    }
    struct tend_reader last = tend_reader_over(reader->end - CHECKSUM_BYTES, CHECKSUM_BYTES);
    reader->end -= CHECKSUM_BYTES;
    reader->next += sizeof magic;
    const uint32_t format = tend_reader_get_u32(reader);
    if (format != TEND_CHECKPOINT_FORMAT && format != 0) {
        tend_error_set(error, "the checkpoint has format %u, and this tend reads %u", (unsigned)format,
                       (unsigned)TEND_CHECKPOINT_FORMAT);
        return TEND_E_INVALID;
    }
    if (format == 0 || tend_reader_get_u64(&last) != checksum(begin, bytes - CHECKSUM_BYTES)) {
        tend_error_set(error, "the checkpoint is damaged: its checksum is another one");
        return TEND_E_CORRUPT;
    }
    size_t count;
    const char *hash = tend_reader_get_string(reader, &count);
    const char *wanted = ruleset == NULL ? "" : ruleset->hash;
    if (reader->failed || count != strlen(wanted) || memcmp(hash, wanted, count) != 0) {
        tend_error_set(error, "the checkpoint belongs to the rules %.*s, and these are %s",
                       (int)(count < 64 ? count : 64), count == 0 ? "(none)" : hash, ruleset == NULL ? "none" : wanted);
        return TEND_E_INVALID;
    }
    return TEND_OK;
}

static enum tend_status load_state(struct tend_reader reader, const char *begin, struct tend_engine *engine,
                                   struct tend_error *error)
{
    struct tend_pass pass = { .in = reader, .begin = begin };
    pass_state(&pass, engine);
    if (!tend_pass_failed(&pass) && pass.in.next != pass.in.end) {
        pass.part = "its end";
        tend_pass_refuse(&pass, "more than there should be");
    }
    for (size_t i = 0; i < pass.layout_count; i++) {
        tend_layout_release(pass.layouts[i]);
    }
    free((void *)pass.layouts);
    if (tend_pass_failed(&pass)) {
        tend_error_set(error, "the checkpoint is damaged: %s", pass.fault.text);
    }
    return pass.status;
}

enum tend_status tend_engine_load(const char *bytes, size_t byte_count, struct tend_ruleset *take_ruleset,
                                  struct tend_engine **out, struct tend_error *error)
{
    struct tend_reader reader = tend_reader_over(bytes, byte_count);
    enum tend_status status = check_head(&reader, take_ruleset, error);
    struct tend_engine *engine = status == TEND_OK ? calloc(1, sizeof *engine) : NULL;
    if (status == TEND_OK && engine == NULL) {
        status = TEND_E_NOMEM;
        tend_error_set(error, "out of memory");
    }
    if (status != TEND_OK) {
        tend_ruleset_destroy(take_ruleset);
        return status;
    }
    engine->ruleset = take_ruleset;
    status = load_state(reader, bytes, engine, error);
    if (status != TEND_OK) {
        tend_engine_destroy(engine);
        return status;
    }
    *out = engine;
    return TEND_OK;
}
