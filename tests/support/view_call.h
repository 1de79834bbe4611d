#pragma once
/// View call: one call of a tick's view, as far as tests look at it: the subject, and its metrics `load` and `up`.

#include "alert/verdict.h"

#include <stdio.h>
#include <string.h>

struct view_call { // what a rule function sees
    uint32_t rule;
    char subject[64];
    double load, load_eta_s, up;
    bool load_missing, load_out;
    enum tend_missing cause; // of `load`
    double deployed_ago_s;
};

/// Reads the next call of a request. Of metrics other than `load` the last one counts as `up`.
static inline struct view_call view_call_read(struct tend_reader *reader)
{
    struct view_call call = { .rule = tend_reader_get_u32(reader) };
    size_t bytes;
    const char *subject = tend_reader_get_string(reader, &bytes);
    (void)snprintf(call.subject, sizeof call.subject, "%.*s", (int)bytes, subject);
    for (int skipped = 0; skipped < 4; skipped++) {
        (void)tend_reader_get_string(reader, &bytes);
    }
    (void)tend_reader_get_f64(reader);
    call.deployed_ago_s = tend_reader_get_f64(reader);
    const uint32_t metrics = tend_reader_get_u32(reader);
    for (uint32_t m = 0; m < metrics; m++) {
        const char *name = tend_reader_get_string(reader, &bytes);
        const bool is_load = bytes == 4 && memcmp(name, "load", 4) == 0;
        const double p = tend_reader_get_f64(reader);
        for (int skipped = 0; skipped < 3; skipped++) {
            (void)tend_reader_get_f64(reader);
        }
        const double eta_s = tend_reader_get_f64(reader);
        const bool out = tend_reader_get_u8(reader) != 0;
        const uint8_t missing = tend_reader_get_u8(reader);
        if (is_load) {
            call.load = p;
            call.load_eta_s = eta_s;
            call.load_out = out;
            call.load_missing = missing != 0;
            call.cause = (enum tend_missing)missing;
        } else {
            call.up = p;
        }
    }
    return call;
}
