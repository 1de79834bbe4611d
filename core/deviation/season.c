// Simple means, updated once an hour instead of with each sample, so that what an hour has taught is known by how often
// it was met.

#include "deviation/season.h"

#include <math.h>
#include <string.h>

enum {
    HOUR_S = 3600,
    NO_HOUR = -1,
    SURE_VISITS = 4,
    VISITS_MOST = 15,
    LEAST_VISIT_S = 900, ///< of an hour that has to be seen, or it was not met
    EDGE_STEPS = 1,      ///< seasons, more with a step than without
    EDGE_MOST = 7,
};
static const double GAIN = 0.25;

size_t tend_season_bytes(uint16_t hours)
{
    const size_t bytes = sizeof(struct tend_season) + hours * (sizeof(float) + sizeof(uint8_t));
    return (bytes + _Alignof(struct tend_season) - 1) / _Alignof(struct tend_season) * _Alignof(struct tend_season);
}

void tend_season_init(struct tend_season *season, uint16_t hours)
{
    season->hours = hours;
    season->hour = season->edge = NO_HOUR;
}

// Low half: in how many seasons it was met; high half: its edge, see edge_of.
static uint8_t *facts_of(struct tend_season *season)
{
    return (uint8_t *)(season->means + season->hours);
}

static uint8_t facts_at(const struct tend_season *season, int hour)
{
    return ((const uint8_t *)(season->means + season->hours))[hour];
}

static int visits_of(uint8_t facts)
{
    return facts & 15;
}

/// How the metric goes over the beginning of an hour: above 0 it steps there, below 0 it goes over smoothly.
static int edge_of(uint8_t facts)
{
    return (facts >> 4 ^ 8) - 8;
}

static uint8_t hour_facts(int visits, int edge)
{
    return (uint8_t)(((unsigned)edge & 15U) << 4 | ((unsigned)visits & 15U));
}

static double season_hour(const struct tend_season *season, double place)
{
    return place < season->hours ? place : fmod(place, season->hours);
}

int tend_season_visits(const struct tend_season *season, double place)
{
    return visits_of(facts_at(season, (int)season_hour(season, place)));
}

// What the season says of a moment in two ways, and which edge of its hour is the nearer one.
struct season_part {
    double own;  ///< mean of the hour
    double line; ///< on the line to the middle of the hour beyond the edge
    int edge;
};

static struct season_part part_at(const struct tend_season *season, double place)
{
    const int hours = season->hours;
    const double position = season_hour(season, place);
    const int hour = (int)position;
    const double past_middle = position - hour - 0.5;
    const int next = (hour + 1) % hours;
    const int other = past_middle < 0 ? (hour + hours - 1) % hours : next;
    const double own = (double)season->means[hour];
    return (struct season_part){
        .own = own,
        .line = visits_of(facts_at(season, other)) == 0
                    ? own
                    : own + fabs(past_middle) * ((double)season->means[other] - own),
        .edge = past_middle < 0 ? hour : next,
    };
}

double tend_season_at(const struct tend_season *season, double place)
{
    const struct season_part part = part_at(season, place);
    return edge_of(facts_at(season, part.edge)) >= EDGE_STEPS ? part.own : part.line;
}

// Votes on an edge that has gone by, by the half hours before and after it: which of the two was nearer.
static void end_edge(struct tend_season *season)
{
    if (season->edge == NO_HOUR) {
        return;
    }
    const uint8_t facts = facts_at(season, season->edge);
    int edge = edge_of(facts);
    if (season->step_nearer > 0 && edge < EDGE_MOST) {
        edge++;
    } else if (season->step_nearer < 0 && edge > -EDGE_MOST) {
        edge--;
    }
    facts_of(season)[season->edge] = hour_facts(visits_of(facts), edge);
    season->edge = NO_HOUR;
}

bool tend_season_note_edge(struct tend_season *season, double place, double shape)
{
    const struct season_part part = part_at(season, place);
    if (part.edge != season->edge) {
        end_edge(season);
        season->edge = (int16_t)part.edge;
        season->step_nearer = 0;
    }
    season->step_nearer += (float)(fabs(shape - part.line) - fabs(shape - part.own));
    const int edge = edge_of(facts_at(season, part.edge));
    return part.line == part.own || edge >= EDGE_STEPS || edge < 0;
}

/// Puts away what the hour that has ended taught.
static void end_hour(struct tend_season *season, double gap_s)
{
    const int hour = season->hour;
    season->hour = NO_HOUR;
    if (hour == NO_HOUR || season->hour_count * gap_s < LEAST_VISIT_S) {
        return;
    }
    const double mean = season->hour_sum / season->hour_count;
    const uint8_t facts = facts_at(season, hour);
    const int visits = visits_of(facts);
    season->means[hour] =
        visits == 0 ? (float)mean : season->means[hour] + (float)(fmax(GAIN, 1.0 / (visits + 1)) * mean);
    if (visits < VISITS_MOST) {
        facts_of(season)[hour] = hour_facts(visits + 1, edge_of(facts));
    }
}

// One that comes after a long silence begins a new hour, though it be the same one of another day; the hour that is
// repeated in autumn goes on.
void tend_season_add(struct tend_season *season, double place, double value, double gap_s, double silence_s)
{
    const int hour = (int)season_hour(season, place);
    if (hour != season->hour || silence_s > HOUR_S) {
        end_hour(season, gap_s);
        season->hour = (int16_t)hour;
        season->hour_sum = 0;
        season->hour_count = 0;
    }
    if (season->hour_count < UINT16_MAX) {
        season->hour_sum += value;
        season->hour_count++;
    }
}

void tend_season_drop_hour(struct tend_season *season)
{
    season->hour = season->edge = NO_HOUR;
}

void tend_season_stretch(struct tend_season *season, double times)
{
    for (size_t i = 0; i < season->hours; i++) {
        season->means[i] = (float)((double)season->means[i] * times);
    }
}

double tend_season_known(const struct tend_season *season)
{
    double sum = 0;
    for (int i = 0; i < season->hours; i++) {
        sum += fmin(visits_of(facts_at(season, i)), SURE_VISITS);
    }
    return sum / (SURE_VISITS * season->hours);
}

void tend_season_save(const struct tend_season *season, struct tend_buffer *out)
{
    tend_buffer_put_u32(out, (uint32_t)(season->hour + 1));
    tend_buffer_put_u32(out, (uint32_t)(season->edge + 1));
    tend_buffer_put_u32(out, season->hour_count);
    tend_buffer_put_f64(out, season->hour_sum);
    tend_buffer_put_f64(out, (double)season->step_nearer);
    for (int i = 0; i < season->hours; i++) {
        uint32_t bits;
        memcpy(&bits, &season->means[i], sizeof bits);
        tend_buffer_put_u32(out, bits);
        tend_buffer_put_u8(out, facts_at(season, i));
    }
}

bool tend_season_load(struct tend_season *season, struct tend_reader *reader)
{
    const uint32_t hour = tend_reader_get_u32(reader);
    const uint32_t edge = tend_reader_get_u32(reader);
    const uint32_t count = tend_reader_get_u32(reader);
    season->hour_sum = tend_reader_get_f64(reader);
    season->step_nearer = (float)tend_reader_get_f64(reader);
    bool fits = hour <= season->hours && edge <= season->hours && count <= UINT16_MAX && isfinite(season->hour_sum) &&
                isfinite(season->step_nearer);
    season->hour_count = (uint16_t)(fits ? count : 0);
    season->hour = (int16_t)(fits ? (int)hour - 1 : NO_HOUR);
    season->edge = (int16_t)(fits ? (int)edge - 1 : NO_HOUR);
    return tend_season_load_hours(season, reader) && fits;
}

bool tend_season_load_hours(struct tend_season *season, struct tend_reader *reader)
{
    bool fits = true;
    for (int i = 0; i < season->hours; i++) {
        const uint32_t bits = tend_reader_get_u32(reader);
        memcpy(&season->means[i], &bits, sizeof bits);
        facts_of(season)[i] = tend_reader_get_u8(reader);
        fits = fits && isfinite(season->means[i]) && edge_of(facts_at(season, i)) >= -EDGE_MOST;
    }
    return fits && !reader->failed;
}
