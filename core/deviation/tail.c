// A bin is told by the top 14 bits of a double: its exponent and two bits of its mantissa. So a bin needs no logarithm,
// and a power of two more in the unit is another key, not another bin.
//
// Why an exponential beyond the threshold and not the best-fitting generalised Pareto: with eight values to fit it to,
// the shape is noise, and a wrong one costs more than none.
//
// The threshold is taken anew every 16 values, and when a value lands at or above its bin.

#include "deviation/tail.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum {
    KNOWN_FROM = 30, ///< values, and the answer is not 0
    KEYS = 1 << 14,
    COUNT_MAX = 16000,   ///< then all bins are halved
    BEYOND_MAX = 8,      ///< values that the exponential stands on at most
    HEADROOM = 8,        ///< bins above the first value, so that the histogram does not move at once
    THRESHOLD_EVERY = 16 ///< values
};
static const double BEYOND_SHARE = 0.01;
/// The mean excess begins with one excess of this share of the threshold, so that equal values give no width of 0.
static const double PRIOR_EXCESS = 0.05;

static int32_t key_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (int32_t)(bits >> 50);
}

/// The smallest value that has this key.
static double key_from(int32_t key)
{
    const uint64_t bits = (uint64_t)key << 50;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int32_t lowest_key(const struct tend_tail *tail)
{
    return tail->top - TEND_TAIL_BINS + 1;
}

void tend_tail_init(struct tend_tail *tail)
{
    *tail = (struct tend_tail){ .count = 0 };
}

static void take_threshold(struct tend_tail *tail)
{
    double beyond = BEYOND_SHARE * tail->count;
    beyond = beyond > BEYOND_MAX ? BEYOND_MAX : beyond;
    beyond = beyond < 1 ? 1 : beyond;
    double above = 0;
    int32_t bin = TEND_TAIL_BINS - 1;
    while (bin > 0 && above + tail->bins[bin] <= beyond) {
        above += tail->bins[bin--];
    }
    const double low = key_from(lowest_key(tail) + bin);
    const double high = key_from(lowest_key(tail) + bin + 1);
    const double share = tail->bins[bin] > 0 ? fmin(1, (beyond - above) / tail->bins[bin]) : 0;
    const double threshold = high - share * (high - low);
    double excess = (beyond - above) * 0.5 * (high - threshold);
    for (int32_t i = bin + 1; i < TEND_TAIL_BINS; i++) {
        if (tail->bins[i] > 0) {
            const double middle = 0.5 * (key_from(lowest_key(tail) + i) + key_from(lowest_key(tail) + i + 1));
            excess += tail->bins[i] * (middle - threshold);
        }
    }
    tail->beyond = (float)beyond;
    tail->threshold = threshold;
    tail->threshold_bin = bin;
    tail->mean_excess = (excess + PRIOR_EXCESS * threshold) / (beyond + 1);
}

double tend_tail_of(const struct tend_tail *tail, double value)
{
    if (tail->count < KNOWN_FROM || tail->top == 0 || !(value > 0)) {
        return 0;
    }
    const double least = (double)tail->beyond / tail->count;
    if (value > tail->threshold) {
        return -log10(least) + (value - tail->threshold) / tail->mean_excess * M_LOG10E;
    }
    const int32_t bin = key_of(value) - lowest_key(tail);
    if (bin < 0) {
        return 0;
    }
    uint32_t above = 0;
    for (int32_t i = bin + 1; i < TEND_TAIL_BINS; i++) {
        above += tail->bins[i];
    }
    const double low = key_from(lowest_key(tail) + bin);
    const double high = key_from(lowest_key(tail) + bin + 1);
    const double rank = above + tail->bins[bin] * (high - value) / (high - low) + 0.5;
    return -log10(fmax(rank / (tail->count + 1.0), least));
}

// Makes room for a key above the highest: the lowest bins become one.
static void raise_top(struct tend_tail *tail, int32_t key)
{
    const int32_t by = key + 2 - tail->top;
    uint32_t lowest = 0;
    uint16_t moved[TEND_TAIL_BINS] = { 0 };
    for (int32_t i = 0; i < TEND_TAIL_BINS; i++) {
        if (i - by <= 0) {
            lowest += tail->bins[i];
        } else {
            moved[i - by] = tail->bins[i];
        }
    }
    moved[0] = (uint16_t)lowest; // at most COUNT_MAX
    memcpy(tail->bins, moved, sizeof moved);
    tail->top += by;
}

void tend_tail_push(struct tend_tail *tail, double value)
{
    if (isnan(value)) {
        return;
    }
    const int32_t key = value > 0 ? key_of(value) : 0;
    if (tail->top == 0 && key > 0) {
        tail->top = key + HEADROOM;
        tail->bins[0] = (uint16_t)tail->count; // those of 0
    }
    if (tail->top == 0) {
        tail->count += tail->count < COUNT_MAX;
        return;
    }
    if (key > tail->top) {
        raise_top(tail, key);
    }
    const int32_t bin = key < lowest_key(tail) ? 0 : key - lowest_key(tail);
    tail->bins[bin]++;
    tail->count++;
    if (tail->count >= COUNT_MAX) {
        tail->count = 0;
        for (int32_t i = 0; i < TEND_TAIL_BINS; i++) {
            tail->bins[i] /= 2;
            tail->count += tail->bins[i];
        }
    }
    if (tail->count % THRESHOLD_EVERY == 0 || bin >= tail->threshold_bin) {
        take_threshold(tail);
    }
}

double tend_tail_at(const struct tend_tail *tail, double rarity)
{
    if (tail->count < KNOWN_FROM || tail->top == 0) {
        return 0;
    }
    const double beyond = rarity + log10((double)tail->beyond / tail->count);
    return tail->threshold + fmax(beyond, 0) * tail->mean_excess * M_LN10;
}

void tend_tail_stretch(struct tend_tail *tail, int quarters)
{
    const int32_t top = tail->top + quarters;
    if (quarters != 0 && tail->top != 0 && top >= TEND_TAIL_BINS && top < KEYS - HEADROOM) {
        tail->top = top;
        take_threshold(tail);
    }
}

void tend_tail_save(const struct tend_tail *tail, struct tend_buffer *out)
{
    tend_buffer_put_u32(out, tail->count);
    tend_buffer_put_u32(out, (uint32_t)tail->top);
    tend_buffer_put_u32(out, (uint32_t)tail->threshold_bin);
    tend_buffer_put_f64(out, (double)tail->beyond);
    tend_buffer_put_f64(out, tail->threshold);
    tend_buffer_put_f64(out, tail->mean_excess);
    for (size_t i = 0; i < TEND_TAIL_BINS; i += 2) {
        tend_buffer_put_u32(out, (uint32_t)tail->bins[i] << 16 | tail->bins[i + 1]);
    }
}

enum tend_status tend_tail_load(struct tend_tail *tail, struct tend_reader *reader)
{
    tail->count = tend_reader_get_u32(reader);
    const uint32_t top = tend_reader_get_u32(reader);
    const uint32_t bin = tend_reader_get_u32(reader);
    const double beyond = tend_reader_get_f64(reader);
    tail->threshold = tend_reader_get_f64(reader);
    tail->mean_excess = tend_reader_get_f64(reader);
    uint32_t sum = 0;
    for (size_t i = 0; i < TEND_TAIL_BINS; i += 2) {
        const uint32_t two = tend_reader_get_u32(reader);
        tail->bins[i] = (uint16_t)(two >> 16);
        tail->bins[i + 1] = (uint16_t)(two & UINT16_MAX);
        sum += (uint32_t)tail->bins[i] + tail->bins[i + 1];
    }
    // While nothing above 0 was seen, the values are in no bin.
    const bool fits = tail->count <= COUNT_MAX && top < KEYS && bin < TEND_TAIL_BINS &&
                      (top == 0 ? sum == 0 : sum == tail->count) && beyond >= 0 && beyond <= BEYOND_MAX &&
                      tail->threshold >= 0 && key_of(tail->threshold) <= (int32_t)top && isfinite(tail->mean_excess);
    if (!fits || reader->failed) {
        reader->failed = true;
        tend_tail_init(tail);
        return TEND_E_CORRUPT;
    }
    tail->top = (int32_t)top;
    tail->threshold_bin = (int32_t)bin;
    tail->beyond = (float)beyond;
    return TEND_OK;
}
