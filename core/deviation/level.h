#pragma once
/// Level: by how much the shape of a metric's day, or of its load curve, is shifted or stretched now.
///
/// What changes for good may change all of a metric in proportion, as a traffic that doubles, or leave its swing as it
/// was, as a latency that one more hop is added to. So two readings of the same values are followed side by side: one
/// adds to the shape, the other multiplies the values that it stands for. How far the metric goes by the second
/// (`share`, 1 at first) is learned wherever the two differ by more than noise, and kept: it is the metric's nature.
/// A metric that was below 0 is only ever shifted.
///
/// Values come less `origin`, the first one, so that floats hold small movements of large numbers; a shape's values are
/// less `zero` besides. Constant work, nothing allocates; copy it freely. Values in another unit (a power of two times
/// as large) give the same answers to the bit. Units: `_s` seconds.

#include "base/buffer.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    TEND_LEVEL_RELEVEL = 15, ///< samples, and a new level is known
    TEND_LEVEL_SETTLED = 60, ///< samples, and it is clipped as usual
};

struct tend_level {
    double origin;
    double shift;     ///< added to the shape
    double zero;      ///< value less origin where the shape is 0 and nothing is stretched
    double stretch;   ///< times the value that the shape stands for, less 1
    double power;     ///< mean square of those values; 0: none since the level was learned anew
    double trend;     ///< of the level, a second
    double scale;     ///< usual distance to E
    float share;      ///< 1: all of it is stretched; 0: shifted
    uint16_t told;    ///< values by which share is known, as far as they count
    uint16_t kind;    ///< enum tend_level_kind
    uint32_t judged;  ///< values for which there was an E
    uint32_t samples; ///< since the level was learned anew; UINT32_MAX: it never was
};

enum tend_level_kind {
    TEND_LEVEL_PLAIN,  ///< there is no shape
    TEND_LEVEL_SHAPED, ///< there is one
    TEND_LEVEL_SIGNED, ///< there is one, and values below 0
};

/// Makes it as new. @param shaped  there is a shape
void tend_level_init(struct tend_level *level, bool shaped);

/// What is expected where the shape is so high, less origin.
double tend_level_at(const struct tend_level *level, double shape);
/// The shape that would make this value, less origin, the expected one.
double tend_level_shape(const struct tend_level *level, double relative);
/// How much E rises with the shape.
double tend_level_slope(const struct tend_level *level);

/// Follows one more value.
/// @param relative  less origin
/// @param step_s    that it stands for
/// @param whole_s   in which the level goes over to what it is now
/// @param old       whether enough was seen for a trend
/// @param[out] sure  whether it is known well enough which of the two readings is right for the distance to E to say
///                   what is usual
/// @return the distance to E as far as it counts: outliers count little
double tend_level_follow(struct tend_level *level, double shape, double relative, double step_s, double whole_s,
                         bool old, bool *sure);
/// Learns from a value that teaches nothing else which of the two readings is right, as E may be off for the wrong one.
void tend_level_weigh(struct tend_level *level, double shape, double relative);

/// Another level is likely. E stays as it is once the shape is multiplied by what is returned.
/// @param samples  the level counts as known so well at most; 0: not at all
double tend_level_restart(struct tend_level *level, uint32_t samples);

/// What a distance is measured by: the usual one, and at least a thousandth of E. A metric that never moved has no
/// usual distance: then its first movement is one.
double tend_level_unit(double scale, double e, double distance);
/// A distance as far as it counts.
double tend_level_clipped(double distance, double unit);

void tend_level_save(const struct tend_level *level, struct tend_buffer *out);
/// Fills one that was made for the same kind of metric. @return false: what was read is none
bool tend_level_load(struct tend_level *level, struct tend_reader *reader);
