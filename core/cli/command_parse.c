// tend parse: what the scraper sees in a body, one JSON object a sample.
//
// Nothing is written before the whole body was read without a fault, for a scrape is all or nothing too.

#include "base/buffer.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "parse/exposition.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: tend parse --format prometheus|openmetrics FILE\n\n"
    "Reads the body of a scrape from FILE, or from standard input when FILE is \"-\", and writes one JSON object a\n"
    "sample: name, labels, value, timestamp (milliseconds since 1970, or null) and type. NaN and infinities are the\n"
    "strings \"NaN\", \"+Inf\" and \"-Inf\".\n\n"
    "  --format F   prometheus: text format 0.0.4 and 1.0.0; openmetrics: OpenMetrics 1.0\n"
    "  --json       what it writes anyway\n"
    "  --help       this text\n\n"
    "exit status: 0 well-formed, 1 malformed (FILE:LINE: error: what is wrong, on stderr), 2 wrong usage or no such "
    "file\n";

// Control characters are escaped too, C1 and DEL as well: the output may go to a terminal.
static void put_json_string(struct tend_buffer *out, const char *text, size_t bytes)
{
    tend_buffer_put(out, "\"", 1);
    size_t copied = 0;
    for (size_t i = 0; i < bytes; i++) {
        const unsigned char byte = (unsigned char)text[i];
        const bool c1_control = byte == 0xc2 && i + 1 < bytes && (unsigned char)text[i + 1] < 0xa0;
        if (byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7f && !c1_control) {
            continue;
        }
        tend_buffer_put(out, text + copied, i - copied);
        if (byte == '"' || byte == '\\') {
            tend_buffer_printf(out, "\\%c", (char)byte);
        } else {
            i += c1_control;
            tend_buffer_printf(out, "\\u%04x", (unsigned)(unsigned char)text[i]);
        }
        copied = i + 1;
    }
    tend_buffer_put(out, text + copied, bytes - copied);
    tend_buffer_put(out, "\"", 1);
}

// The shortest digits that read back to the same double.
static void put_json_number(struct tend_buffer *out, double value)
{
    if (isnan(value)) {
        tend_buffer_put_text(out, "\"NaN\"");
        return;
    }
    if (isinf(value)) {
        tend_buffer_put_text(out, value > 0 ? "\"+Inf\"" : "\"-Inf\"");
        return;
    }
    if (value == 0) {
        tend_buffer_put_text(out, signbit(value) ? "-0.0" : "0"); // "-0" would be read as the integer 0
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (digits == 17 || strtod(text, NULL) == value) {
            break;
        }
    }
    tend_buffer_put_text(out, text);
}

static enum tend_status write_sample(void *context, const struct tend_sample *sample)
{
    struct tend_buffer *out = context;
    tend_buffer_put_text(out, "{\"name\":");
    put_json_string(out, sample->name, sample->name_bytes);
    tend_buffer_put_text(out, ",\"labels\":{");
    for (size_t i = 0; i < sample->label_count; i++) {
        tend_buffer_put_text(out, i == 0 ? "" : ",");
        put_json_string(out, sample->labels[i].name, sample->labels[i].name_bytes);
        tend_buffer_put_text(out, ":");
        put_json_string(out, sample->labels[i].value, sample->labels[i].value_bytes);
    }
    tend_buffer_put_text(out, "},\"value\":");
    put_json_number(out, sample->value);
    tend_buffer_put_text(out, ",\"timestamp\":");
    if (sample->has_timestamp) {
        put_json_number(out, sample->timestamp_ms);
    } else {
        tend_buffer_put_text(out, "null");
    }
    tend_buffer_printf(out, ",\"type\":\"%s\"}\n", tend_series_type_text(sample->type));
    return out->failed ? TEND_E_NOMEM : TEND_OK;
}

// Reads all of a file, "-" being standard input. @return false after saying why not
static bool read_file(const char *path, struct tend_buffer *body)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
    if (file == NULL) {
        tend_terminal_complain("tend parse: %s: cannot be opened: %s", path, strerrordesc_np(errno));
        return false;
    }
    size_t got = 0;
    do {
        char *to = tend_buffer_reserve(body, 65536);
        got = to == NULL ? 0 : fread(to, 1, 65536, file);
        body->size += got;
    } while (got > 0);
    const int fault = body->failed ? ENOMEM : ferror(file) != 0 ? errno : 0;
    if (file != stdin) {
        (void)fclose(file);
    }
    if (fault != 0) {
        tend_terminal_complain("tend parse: %s: cannot be read: %s", path, strerrordesc_np(fault));
        return false;
    }
    return true;
}

static int parse_file(const char *path, enum tend_exposition_format format)
{
    struct tend_buffer body;
    struct tend_buffer out;
    tend_buffer_init(&body);
    tend_buffer_init(&out);
    int code = TEND_EXIT_USAGE;
    if (read_file(path, &body)) {
        struct tend_parse_error error = { .line = 0 };
        const enum tend_status status =
            tend_exposition_parse(tend_buffer_text(&body), body.size, format, NULL, write_sample, &out, &error);
        if (out.failed || status == TEND_E_NOMEM) {
            tend_terminal_complain("tend parse: %s: %s", path, tend_status_text(TEND_E_NOMEM));
        } else if (status != TEND_OK) {
            tend_terminal_complain("%s:%zu: error: %s", path, error.line, error.fault.text);
            code = TEND_EXIT_TROUBLE;
        } else if (fwrite(tend_buffer_text(&out), 1, out.size, stdout) != out.size || fflush(stdout) != 0) {
            tend_terminal_complain("tend parse: the output cannot be written: %s", strerrordesc_np(errno));
        } else {
            code = TEND_EXIT_FINE;
        }
    }
    tend_buffer_clear(&body);
    tend_buffer_clear(&out);
    return code;
}

int tend_command_parse(int argc, char **argv)
{
    static const struct option options[] = {
        { "format", required_argument, NULL, 'f' },
        { "json", no_argument, NULL, 'j' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    enum tend_exposition_format format = TEND_EXPOSITION_NONE;
    opterr = 0;
    int option;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): a command line is read before there are threads
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'f':
            format = strcmp(optarg, "prometheus") == 0    ? TEND_EXPOSITION_PROMETHEUS
                     : strcmp(optarg, "openmetrics") == 0 ? TEND_EXPOSITION_OPENMETRICS
                                                          : TEND_EXPOSITION_NONE;
            if (format == TEND_EXPOSITION_NONE) {
                tend_terminal_complain("tend parse: --format %s is unknown; write prometheus or openmetrics", optarg);
                return TEND_EXIT_USAGE;
            }
            break;
        case 'j':
            break;
        case 'h':
            (void)fputs(usage, stdout);
            return TEND_EXIT_FINE;
        default:
            tend_terminal_complain("tend parse: wrong option %s; see tend parse --help", argv[optind - 1]);
            return TEND_EXIT_USAGE;
        }
    }
    if (format == TEND_EXPOSITION_NONE || optind + 1 != argc) {
        (void)fputs("tend parse: needs --format prometheus|openmetrics and one FILE; see tend parse --help\n", stderr);
        return TEND_EXIT_USAGE;
    }
    return parse_file(argv[optind], format);
}
