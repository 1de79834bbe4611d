// The process's own figures are read here, when asked, and not counted: Linux counts them already.

#include "api/self_metrics.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static void head(struct tend_buffer *out, const char *name, const char *type, const char *help)
{
    tend_buffer_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void counter(struct tend_buffer *out, const char *name, const char *help, uint64_t value)
{
    head(out, name, "counter", help);
    tend_buffer_printf(out, "%s %llu\n", name, (unsigned long long)value);
}

static void gauge(struct tend_buffer *out, const char *name, const char *help, double value)
{
    if (isnan(value)) {
        return;
    }
    head(out, name, "gauge", help);
    tend_buffer_printf(out, "%s %.17g\n", name, value);
}

// A label's value; what the format does not take as it is gets escaped.
static void put_label(struct tend_buffer *out, const char *name, const char *value)
{
    tend_buffer_printf(out, "{%s=\"", name);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\\' || *c == '"') {
            tend_buffer_put_text(out, "\\");
        }
        if (*c == '\n') {
            tend_buffer_put_text(out, "\\n");
        } else {
            tend_buffer_put(out, c, 1);
        }
    }
    tend_buffer_put_text(out, "\"}");
}

static void labelled(struct tend_buffer *out, const char *name, const char *label, const char *label_value,
                     uint64_t value)
{
    tend_buffer_put_text(out, name);
    put_label(out, label, label_value);
    tend_buffer_printf(out, " %llu\n", (unsigned long long)value);
}

// The classes of the format hold all that is below their bound, so each counts what those before it do.
static void histogram(struct tend_buffer *out, const char *name, const char *help,
                      const struct tend_durations *durations)
{
    head(out, name, "histogram", help);
    uint64_t count = 0;
    for (size_t i = 0; i < TEND_DURATION_BOUNDS; i++) {
        count += durations->counts[i];
        tend_buffer_printf(out, "%s_bucket{le=\"%g\"} %llu\n", name, tend_duration_bounds_s[i],
                           (unsigned long long)count);
    }
    count += durations->counts[TEND_DURATION_BOUNDS];
    tend_buffer_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.17g\n%s_count %llu\n", name,
                       (unsigned long long)count, name, durations->sum_s, name, (unsigned long long)count);
}

static double open_files(void)
{
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) {
        return (double)NAN;
    }
    double count = -1;                   // the directory itself is open now
    while (readdir(directory) != NULL) { // NOLINT(concurrency-mt-unsafe): this stream is ours alone
        count++;
    }
    (void)closedir(directory);
    return count - 2; // "." and ".."
}

// Reads a small file of /proc. Returns the bytes read.
static size_t read_small(const char *path, char *text, size_t room)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        text[0] = '\0';
        return 0;
    }
    const size_t count = fread(text, 1, room - 1, file);
    (void)fclose(file);
    text[count] = '\0';
    return count;
}

static double resident_bytes(void)
{
    char text[128];
    unsigned long long total_pages = 0;
    unsigned long long resident_pages = 0;
    (void)read_small("/proc/self/statm", text, sizeof text);
    // NOLINTNEXTLINE(cert-err34-c): the kernel wrote it
    if (sscanf(text, "%llu %llu", &total_pages, &resident_pages) != 2) {
        return (double)NAN;
    }
    return (double)resident_pages * (double)sysconf(_SC_PAGESIZE);
}

// Field 22 of stat is the start, in clock ticks since boot; the name (field 2) may hold anything but ends with ")".
static double start_time_s(void)
{
    char text[1024];
    (void)read_small("/proc/self/stat", text, sizeof text);
    const char *field = strrchr(text, ')');
    for (int number = 2; field != NULL && number < 22; number++) {
        field = strchr(field + 1, ' ');
    }
    unsigned long long ticks = 0;
    struct timespec wall;
    struct timespec boot;
    // NOLINTNEXTLINE(cert-err34-c): the kernel wrote it
    if (field == NULL || sscanf(field, " %llu", &ticks) != 1 || clock_gettime(CLOCK_REALTIME, &wall) != 0 ||
        clock_gettime(CLOCK_BOOTTIME, &boot) != 0) {
        return (double)NAN;
    }
    const double booted_s =
        ((double)wall.tv_sec + (double)wall.tv_nsec / 1e9) - ((double)boot.tv_sec + (double)boot.tv_nsec / 1e9);
    return booted_s + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static void format_process(struct tend_buffer *out)
{
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) == 0) {
        const double seconds = (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
                               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
        head(out, "process_cpu_seconds_total", "counter", "CPU time of the main process, user and system.");
        tend_buffer_printf(out, "process_cpu_seconds_total %.6f\n", seconds);
    }
    gauge(out, "process_resident_memory_bytes", "Resident memory of the main process.", resident_bytes());
    gauge(out, "process_start_time_seconds", "Start of the process, Unix time.", start_time_s());
    gauge(out, "process_open_fds", "Open file descriptors.", open_files());
}

static void format_scrapes(const struct tend_self_metrics *metrics, struct tend_buffer *out)
{
    head(out, "tend_scrapes_total", "counter", "Scrapes that ended, by how far they got.");
    for (int kind = 0; kind < TEND_SELF_SCRAPE_KINDS; kind++) {
        const char *result = kind == TEND_SCRAPE_OK ? "ok" : tend_scrape_kind_text((enum tend_scrape_kind)kind);
        labelled(out, "tend_scrapes_total", "result", result, metrics->scrapes[kind]);
    }
    counter(out, "tend_scrapes_late_total", "Scrapes begun more than a slot after their time.", metrics->scrapes_late);
    counter(out, "tend_scrapes_missed_total", "Scrapes that were not begun.", metrics->scrapes_missed);
    histogram(out, "tend_scrape_start_delay_seconds", "How long after their time scrapes were begun.",
              &metrics->scrape_delays);
    gauge(out, "tend_targets", "Targets that are polled.", (double)metrics->targets);
    gauge(out, "tend_targets_up", "Targets whose newest scrape was good.", (double)metrics->targets_up);
    gauge(out, "tend_services", "Services that are watched.", (double)metrics->services);
}

static void format_recording(const struct tend_recording_counts *recording, struct tend_buffer *out)
{
    counter(out, "tend_recording_events_total", "Events recorded.", recording->events);
    counter(out, "tend_recording_lost_events_total", "Events not recorded, as recording failed.", recording->lost);
    counter(out, "tend_recording_samples_total", "Samples recorded.", recording->samples);
    counter(out, "tend_recording_segments_total", "Segments of the recording begun.", recording->segments);
    counter(out, "tend_recording_written_bytes_total", "Bytes of recording written.", recording->bytes_written);
    gauge(out, "tend_recording_held_bytes", "Bytes of all recordings kept.", (double)recording->bytes_held);
    gauge(out, "tend_recording_ok", "1 while events are recorded.", recording->failing ? 0 : 1);
}

static void format_logs(const struct tend_self_logs *logs, struct tend_buffer *out)
{
    gauge(out, "tend_log_files", "Log files that are read.", (double)logs->files);
    counter(out, "tend_log_lines_total", "Lines of logs read.", logs->lines);
    counter(out, "tend_log_bytes_total", "Bytes of logs read.", logs->bytes);
    counter(out, "tend_log_skipped_bytes_total", "Bytes of logs not read, as too much came at once.",
            logs->skipped_bytes);
    counter(out, "tend_log_cut_lines_total", "Lines of logs that were too long and were cut.", logs->cut_lines);
}

void tend_self_metrics_format(const struct tend_self_metrics *metrics, struct tend_buffer *out)
{
    head(out, "tend_build_info", "gauge", "Version of tend.");
    labelled(out, "tend_build_info", "version", TEND_VERSION, 1);
    if (metrics->generation != NULL && metrics->generation[0] != '\0') {
        head(out, "tend_generation_info", "gauge", "Hash of the rules in use.");
        labelled(out, "tend_generation_info", "generation", metrics->generation, 1);
    }
    format_scrapes(metrics, out);
    counter(out, "tend_ticks_total", "Evaluations.", metrics->ticks);
    gauge(out, "tend_rules", "Rules that are loaded.", (double)metrics->rules);
    gauge(out, "tend_rules_off", "Rules that are off: broken, slow or hostile.", (double)metrics->rules_off);
    counter(out, "tend_evaluator_kills_total", "Evaluator processes that were killed.", metrics->evaluator_kills);
    counter(out, "tend_reloads_total", "Reloads of the rules, taken or refused.", metrics->reloads);
    counter(out, "tend_reloads_refused_total", "Reloads that were refused.", metrics->reloads_refused);
    head(out, "tend_alerts", "gauge", "Alerts by state.");
    labelled(out, "tend_alerts", "state", "pending", metrics->alerts_pending);
    labelled(out, "tend_alerts", "state", "firing", metrics->alerts_firing);
    gauge(out, "tend_alerts_flapping", "Alerts that fire on because they flap.", (double)metrics->alerts_flapping);
    gauge(out, "tend_incidents_open", "Open incidents.", (double)metrics->incidents_open);
    gauge(out, "tend_locate_services", "Services that the locator looks at, of the largest open incident.",
          (double)metrics->services_looked_at);
    head(out, "tend_runs_total", "counter", "Playbook runs that ended, by outcome.");
    for (int i = 0; i < TEND_SELF_OUTCOMES && metrics->outcomes[i].outcome != NULL; i++) {
        labelled(out, "tend_runs_total", "outcome", metrics->outcomes[i].outcome, metrics->outcomes[i].runs);
    }
    counter(out, "tend_journal_records_total", "Records handed to the journal.", metrics->journal_records);
    gauge(out, "tend_journal_ok", "1 while the journal can be written; 0: nothing is acted on.",
          metrics->journal_ok ? 1 : 0);
    if (metrics->records) {
        format_recording(&metrics->recording, out);
    }
    format_logs(&metrics->logs, out);
    gauge(out, "tend_loop_lag_seconds", "How late the loop's newest timer was.", metrics->loop_lag_seconds);
    histogram(out, "tend_step_seconds", "How long each event held the loop.", &metrics->steps);
    gauge(out, "tend_paused", "1 while a person has paused all acting.", metrics->paused ? 1 : 0);
    gauge(out, "tend_silences", "Silences and deploys that are in force.", (double)metrics->silences);
    gauge(out, "tend_notices_held", "Notices kept back by a silence, by hours, by an acknowledgement.",
          (double)metrics->notices_held);
    format_process(out);
}
