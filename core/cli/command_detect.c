// tend detect: how unusual each sample of one series is, from a CSV file, as it would have been seen at the time.
//
// Reads and writes line by line: the score of a row is out before the next one is read, so it cannot depend on it.

#include "base/json.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "deviation/detector.h"
#include "parse/csv.h"
#include "parse/moment.h"
#include "parse/number.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: tend detect [--explain | --json] FILE.csv\n\n"
    "Reads rows of timestamp,value (\"-\": standard input) and writes timestamp,value,anomaly_score: A/(1+A), A being "
    "the\n"
    "alert index of the learned expectation. From 0.5 on a row is out of line; an incident is told once, by the row "
    "in\n"
    "which it becomes plain. A row is judged by itself and the rows before it: the first 120 only teach.\n\n"
    "A first line without a number is a header. Times: ISO 8601, or seconds, milli-, micro- or nanoseconds since 1970. "
    "An\n"
    "empty value is "
    "no data: its score is 0, and it teaches nothing.\n\n"
    "  --explain    one more column: what was unusual, for rows that are out of line\n"
    "  --json       one JSON object a row instead\n"
    "  --help       this text\n\n"
    "exit status: 0 read to the end, 1 malformed (FILE:LINE: what is wrong), 2 wrong usage or no such file\n";

enum { LINE_BYTES = 4096 };

struct detect_command {
    const char *path;
    bool explain, json;
    size_t line;
    struct tend_detector *detector;
    struct tend_csv_record record;
};

static void write_row(const struct detect_command *command, const struct tend_detection *detection, double value)
{
    const double a = isnan(detection->a) ? 0 : detection->a;
    const struct tend_csv_field *fields = command->record.fields;
    const char *why = a >= 1 ? tend_detector_feature_text(detection->strongest) : "";
    if (command->json) {
        json_t *row = json_pack("{s:s%, s:o, s:f, s:f, s:s}", "timestamp", fields[0].text, fields[0].bytes, "value",
                                tend_json_real(value), "A", a, "anomaly_score", a / (1 + a), "why", why);
        (void)json_dumpf(row, stdout, JSON_COMPACT | JSON_REAL_PRECISION(17));
        (void)putchar('\n');
        json_decref(row);
        return;
    }
    (void)printf("%.*s,%.*s,%.6f", (int)fields[0].bytes, fields[0].text, (int)fields[1].bytes, fields[1].text,
                 a / (1 + a));
    (void)printf(command->explain ? ",%s\n" : "%s\n", command->explain ? why : "");
}

static bool fail(const struct detect_command *command, const char *what)
{
    struct tend_buffer text; // names and fields may hold what a terminal would obey
    tend_buffer_init(&text);
    tend_terminal_put(&text, command->path);
    tend_buffer_printf(&text, ":%zu: ", command->line);
    tend_terminal_put(&text, what);
    (void)fflush(stdout);
    (void)fprintf(stderr, "%s\n", tend_buffer_text(&text));
    tend_buffer_clear(&text);
    return false;
}

static bool take_row(struct detect_command *command, const char *text, size_t bytes)
{
    size_t used;
    struct tend_error error;
    if (tend_csv_read(text, bytes, true, &command->record, &used, &error) != TEND_OK) {
        return fail(command, error.text);
    }
    const struct tend_csv_field *fields = command->record.fields;
    if (command->record.count == 1 && fields[0].bytes == 0) {
        return true; // an empty line
    }
    if (command->record.count != 2) {
        return fail(command, "a row has two fields: timestamp,value");
    }
    double value = (double)NAN;
    int64_t at_ms;
    const bool has_value = fields[1].bytes > 0;
    const bool is_number = has_value && tend_number_parse(fields[1].text, fields[1].bytes, &value);
    if (tend_moment_parse(fields[0].text, fields[0].bytes, NULL, &at_ms, &error) != TEND_OK) {
        if (command->line == 1 && !is_number) {
            (void)(command->json ? 0 : printf("timestamp,value,anomaly_score%s\n", command->explain ? ",unusual" : ""));
            return true; // the header
        }
        return fail(command, error.text);
    }
    if (has_value && !is_number) {
        char what[120];
        (void)snprintf(what, sizeof what, "\"%.*s\" is no number", fields[1].bytes > 40 ? 40 : (int)fields[1].bytes,
                       fields[1].text);
        return fail(command, what);
    }
    const struct tend_detection detection = tend_detector_push(command->detector, at_ms / 1000, value);
    write_row(command, &detection, value);
    return true;
}

static bool take_rows(struct detect_command *command, FILE *file)
{
    char text[LINE_BYTES];
    bool fine = true;
    while (fine && fgets(text, sizeof text, file) != NULL) {
        const size_t bytes = strlen(text);
        command->line++;
        fine = bytes > 0 && (text[bytes - 1] == '\n' || feof(file))
                   ? take_row(command, text, bytes)
                   : fail(command, "a line is longer than 4,095 bytes, or has a NUL byte");
    }
    if (fine && ferror(file)) {
        return fail(command, strerror(errno)); // NOLINT(concurrency-mt-unsafe): one thread
    }
    return fine;
}

static int parse_options(int argc, char **argv, struct detect_command *command)
{
    static const struct option options[] = {
        { "explain", no_argument, NULL, 'e' },
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) { // NOLINT(concurrency-mt-unsafe): one thread
        switch (option) {
        case 'e':
            command->explain = true;
            break;
        case 'j':
            command->json = true;
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return TEND_EXIT_FINE;
        default:
            (void)fputs(usage, stderr);
            return TEND_EXIT_USAGE;
        }
    }
    if (argc - optind != 1) {
        (void)fputs(usage, stderr);
        return TEND_EXIT_USAGE;
    }
    command->path = argv[optind];
    return -1;
}

int tend_command_detect(int argc, char **argv)
{
    struct detect_command command = { 0 };
    const int exit_code = parse_options(argc, argv, &command);
    if (exit_code >= 0) {
        return exit_code;
    }
    FILE *file = strcmp(command.path, "-") == 0 ? stdin : fopen(command.path, "re");
    if (file == NULL) {
        tend_terminal_complain("%s: %s", command.path, strerror(errno)); // NOLINT(concurrency-mt-unsafe): one thread
        return TEND_EXIT_USAGE;
    }
    tend_csv_record_init(&command.record);
    const bool fine = tend_detector_create(&command.detector) == TEND_OK && take_rows(&command, file);
    tend_detector_destroy(command.detector);
    tend_csv_record_clear(&command.record);
    if (file != stdin) {
        (void)fclose(file);
    }
    return fine ? TEND_EXIT_FINE : TEND_EXIT_TROUBLE;
}
