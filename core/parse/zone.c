// The file holds its changes twice: with 32 bits for old readers, which is passed over, and with 64. What comes after
// the last of them follows from the rule at its end and is worked out year by year.

#include "parse/zone.h"

#include "parse/civil_day.h"
#include "parse/zone_rule.h"

#include <stdlib.h>
#include <string.h>

enum {
    HEADER_BYTES = 44,
    COUNTS_AT = 20,
    TYPE_BYTES = 6,
    DAY_S = 24 * 3600,
    OFFSET_MOST_S = 26 * 3600, // RFC 8536, 3.2
};

struct change {
    int64_t from_s;
    int32_t offset_s;
};

struct tend_zone {
    int32_t first_s; // offset before the first change
    size_t count;
    struct change changes[]; // from_s strictly rises
};

// The counts of a header, in the order of the file.
struct counts {
    uint32_t utc_flags, standard_flags, leaps, changes, types, letters;
};

static uint32_t get_u32(const char *bytes)
{
    const unsigned char *raw = (const unsigned char *)bytes;
    return (uint32_t)raw[0] << 24 | (uint32_t)raw[1] << 16 | (uint32_t)raw[2] << 8 | raw[3];
}

static int64_t get_i64(const char *bytes)
{
    return (int64_t)((uint64_t)get_u32(bytes) << 32 | get_u32(bytes + 4));
}

static bool read_counts(const char *bytes, size_t count, struct counts *out)
{
    if (count < HEADER_BYTES || memcmp(bytes, "TZif", 4) != 0 || bytes[4] < '2') {
        return false;
    }
    *out = (struct counts){ get_u32(bytes + COUNTS_AT),      get_u32(bytes + COUNTS_AT + 4),
                            get_u32(bytes + COUNTS_AT + 8),  get_u32(bytes + COUNTS_AT + 12),
                            get_u32(bytes + COUNTS_AT + 16), get_u32(bytes + COUNTS_AT + 20) };
    return true;
}

// Bytes of the data after a header. No overflow: eight counts of 32 bits.
static uint64_t data_bytes(const struct counts *counts, uint64_t time_bytes)
{
    return counts->changes * (time_bytes + 1) + (uint64_t)counts->types * TYPE_BYTES + counts->letters +
           counts->leaps * (time_bytes + 4) + counts->standard_flags + counts->utc_flags;
}

// The file's parts: `data` of the 64-bit block and the `rule` between the newlines at the end.
struct parts {
    struct counts counts;
    const char *data;
    const char *rule;
    size_t rule_bytes;
};

static const char *find_parts(const char *bytes, size_t count, struct parts *out)
{
    struct counts old;
    if (!read_counts(bytes, count, &old)) {
        return "is no time zone file of version 2 or newer";
    }
    const uint64_t passed = HEADER_BYTES + data_bytes(&old, 4);
    if (passed > count || !read_counts(bytes + passed, count - (size_t)passed, &out->counts)) {
        return "is cut off";
    }
    out->data = bytes + passed + HEADER_BYTES;
    const size_t left = count - (size_t)passed - HEADER_BYTES;
    const uint64_t wanted = data_bytes(&out->counts, 8);
    if (wanted + 2 > left || out->data[wanted] != '\n') {
        return "is cut off";
    }
    out->rule = out->data + wanted + 1;
    const char *newline = memchr(out->rule, '\n', left - (size_t)wanted - 1);
    if (newline == NULL) {
        return "is cut off";
    }
    out->rule_bytes = (size_t)(newline - out->rule);
    if (out->counts.leaps > 0) {
        return "counts leap seconds, which no clock of a computer shows";
    }
    return NULL;
}

// Adds a change after those that are there; one at the same moment as the last one takes its place.
static void add_change(struct tend_zone *zone, int64_t from_s, int32_t offset_s)
{
    const int64_t last_s = zone->count == 0 ? INT64_MIN : zone->changes[zone->count - 1].from_s;
    if (from_s >= last_s) {
        zone->count -= zone->count > 0 && from_s == last_s;
        zone->changes[zone->count++] = (struct change){ .from_s = from_s, .offset_s = offset_s };
    }
}

static const char *read_changes(const struct parts *parts, struct tend_zone *zone)
{
    const size_t count = parts->counts.changes;
    const char *times = parts->data;
    const char *kinds = times + count * 8;
    const char *types = kinds + count;
    if (parts->counts.types == 0) {
        return "has no offset at all";
    }
    for (size_t i = 0; i < parts->counts.types; i++) {
        const int32_t offset_s = (int32_t)get_u32(types + i * TYPE_BYTES);
        if (offset_s < -OFFSET_MOST_S || offset_s > OFFSET_MOST_S) {
            return "has an offset of more than a day";
        }
    }
    zone->first_s = (int32_t)get_u32(types);
    for (size_t i = 0; i < count; i++) {
        const unsigned char kind = (unsigned char)kinds[i];
        const int64_t from_s = get_i64(times + i * 8);
        if (kind >= parts->counts.types || (i > 0 && from_s <= zone->changes[i - 1].from_s)) {
            return "has changes that make no sense";
        }
        add_change(zone, from_s, (int32_t)get_u32(types + kind * (size_t)TYPE_BYTES));
    }
    return NULL;
}

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static int64_t year_of(int64_t at_s)
{
    return tend_civil_day_of(floor_divide(at_s, DAY_S)).year;
}

static void add_years(struct tend_zone *zone, const struct tend_zone_rule *rule, int64_t first_year)
{
    for (int64_t year = first_year; year <= TEND_ZONE_LAST_YEAR; year++) {
        const int64_t summer_s = tend_zone_rule_to_summer_s(rule, year);
        const int64_t standard_s = tend_zone_rule_to_standard_s(rule, year);
        if (standard_s < summer_s) { // south of the equator
            add_change(zone, standard_s, rule->standard_s);
            add_change(zone, summer_s, rule->summer_s);
        } else {
            add_change(zone, summer_s, rule->summer_s);
            add_change(zone, standard_s, rule->standard_s);
        }
    }
}

// The year from which the rule is applied: that of the last change, and no file has reason to go further back.
static int64_t first_year_of(const struct tend_zone *zone)
{
    const int64_t year = zone->count == 0 ? 1970 : year_of(zone->changes[zone->count - 1].from_s);
    return year < 1970 ? 1970 : year;
}

static enum tend_status fail(struct tend_zone *zone, struct tend_error *error, const char *why)
{
    free(zone);
    tend_error_set(error, "%s", why);
    return TEND_E_INVALID;
}

enum tend_status tend_zone_parse(const char *bytes, size_t count, struct tend_zone **out, struct tend_error *error)
{
    struct parts parts;
    const char *why = find_parts(bytes, count, &parts);
    if (why != NULL) {
        return fail(NULL, error, why);
    }
    const size_t by_rule = (size_t)2 * (TEND_ZONE_LAST_YEAR - 1970 + 1);
    struct tend_zone *zone = calloc(1, sizeof *zone + (parts.counts.changes + by_rule) * sizeof zone->changes[0]);
    if (zone == NULL) {
        return TEND_E_NOMEM;
    }
    why = read_changes(&parts, zone);
    if (why != NULL) {
        return fail(zone, error, why);
    }
    if (parts.rule_bytes > 0) {
        struct tend_zone_rule rule;
        if (tend_zone_rule_parse(parts.rule, parts.rule_bytes, &rule) != TEND_OK) {
            return fail(zone, error, "ends with a rule that makes no sense");
        }
        if (rule.has_summer) { // else the last change holds
            add_years(zone, &rule, first_year_of(zone));
        }
    }
    *out = zone;
    return TEND_OK;
}

enum tend_status tend_zone_create_fixed(int32_t offset_s, struct tend_zone **out)
{
    struct tend_zone *zone = calloc(1, sizeof *zone);
    if (zone == NULL) {
        return TEND_E_NOMEM;
    }
    zone->first_s = offset_s;
    *out = zone;
    return TEND_OK;
}

void tend_zone_destroy(struct tend_zone *zone)
{
    free(zone);
}

int32_t tend_zone_offset_s(const struct tend_zone *zone, int64_t wall_ms)
{
    const int64_t at_s = floor_divide(wall_ms, 1000);
    size_t low = 0; // changes before `low` are not later than the moment, those from `high` on are
    size_t high = zone->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (zone->changes[middle].from_s <= at_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? zone->first_s : zone->changes[low - 1].offset_s;
}

struct tend_local_time tend_zone_local(const struct tend_zone *zone, int64_t wall_ms)
{
    const int64_t local_s = floor_divide(wall_ms, 1000) + tend_zone_offset_s(zone, wall_ms);
    const int64_t day = floor_divide(local_s, DAY_S);
    return (struct tend_local_time){
        .weekday = tend_civil_weekday(day),
        .day = tend_civil_day_of(day).day,
        .day_before = tend_civil_day_of(day - 1).day,
        .minute = (int)((local_s - day * DAY_S) / 60),
    };
}
