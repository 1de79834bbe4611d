// tend run: the daemon. Ties the loop (the live driver) to the API and to signals.

#include "api/incidents.h"
#include "api/self_metrics.h"
#include "api/server.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "driver/live/journal.h"
#include "driver/live/loop.h"
#include "parse/duration.h"
#include "parse/quantity.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { INCIDENTS_LISTED = 50, SIGNALS = 5 };

struct daemon {
    struct event_base *base;
    struct tend_loop *loop;
    struct tend_api_server *server;
    struct tend_journal *stories; ///< a connection for the thread that reads incidents
    struct event *signals[SIGNALS];
    bool loaded; ///< a first generation is in use
    bool failed;
};

static const char help[] =
    "usage: tend run DIR [OPTIONS]\n\n"
    "Watches the services that the rules in DIR name, warns, finds the culprit and recovers it.\n\n"
    "  --env NAME          tend.env is what DIR/env/NAME.lua returns\n"
    "  --state DIR         where the journal and the socket live; else $STATE_DIRECTORY, else /var/lib/tend as root,\n"
    "                      else ~/.local/state/tend. Locked: a second tend run on it refuses\n"
    "  --secrets DIR       tend.secret \"x\" is the content of DIR/x\n"
    "  --listen ADDRESS    /metrics, /-/healthy and /-/ready on this loopback address, e.g. 127.0.0.1:9797\n"
    "  --record-bytes SIZE all that went into the engine is recorded in STATE/recording: most bytes to keep, e.g. "
    "\"1GiB\",\n"
    "                      the default. The oldest go first\n"
    "  --record-age TIME   and for how long, e.g. \"7d\", the default\n"
    "  --no-recording      record nothing: tend replay and tend export need a recording\n"
    "  --ca-file FILE      certificates to trust when scraping https; else the system's\n"
    "  --log-level LEVEL   error, warn, info (default) or debug\n\n"
    "SIGHUP loads the rules again; rules that are wrong change nothing. SIGTERM and SIGINT end it cleanly.\n"
    "SIGUSR1 stops all acting at once, as tend pause does and as a file named \"pause\" in the state directory does.\n";

static void print_faults(const char *kind, const json_t *faults)
{
    size_t index;
    json_t *fault;
    json_array_foreach(faults, index, fault)
    {
        struct tend_buffer line; // a script may have written the text
        tend_buffer_init(&line);
        tend_terminal_put_member(&line, fault, "at", "rules");
        tend_buffer_printf(&line, ": %s", kind);
        tend_terminal_put_member(&line, fault, "text", "");
        (void)fprintf(stderr, "%s\n", tend_buffer_text(&line));
        tend_buffer_clear(&line);
    }
}

static void on_loaded(void *context, uint64_t id, const json_t *errors, const json_t *warnings)
{
    struct daemon *daemon = context;
    const bool refused = json_array_size(errors) > 0;
    print_faults("", errors);
    print_faults("warning: ", warnings);
    if (refused && !daemon->loaded) {
        daemon->failed = true;
        (void)event_base_loopbreak(daemon->base);
        return;
    }
    const struct tend_ruleset *ruleset =
        daemon->loop == NULL ? NULL : tend_engine_ruleset(tend_loop_engine(daemon->loop));
    daemon->loaded = daemon->loaded || !refused;
    tend_log(refused ? TEND_LOG_ERROR : TEND_LOG_INFO, "rules %s generation=%.12s",
             refused ? "refused, the old ones stay" : "loaded", ruleset == NULL ? "" : ruleset->hash);
    if (daemon->server != NULL) {
        tend_api_server_reload_ended(daemon->server, id, ruleset == NULL ? NULL : ruleset->hash, errors, warnings);
    }
}

static json_t *answer_status(void *context)
{
    const struct daemon *daemon = context;
    tend_loop_catch_up(daemon->loop);
    json_t *status = tend_engine_status_head(tend_loop_engine(daemon->loop));
    (void)json_object_set_new(status, "state_dir", json_string(tend_loop_state_path(daemon->loop)));
    tend_loop_problems(daemon->loop, json_object_get(status, "warnings"));
    return status;
}

static json_t *answer_status_service(void *context, size_t index)
{
    const struct daemon *daemon = context;
    return tend_engine_status_service(tend_loop_engine(daemon->loop), index);
}

static json_t *answer_topology(void *context)
{
    const struct daemon *daemon = context;
    tend_loop_catch_up(daemon->loop);
    return tend_engine_topology(tend_loop_engine(daemon->loop));
}

// This and the next are called on the thread that reads incidents.
static enum tend_status answer_incidents(void *context, const char *about, json_t **out, struct tend_error *error)
{
    (void)about;
    const struct daemon *daemon = context;
    const enum tend_status status = tend_incidents_list(daemon->stories, INCIDENTS_LISTED, out, error);
    if (status != TEND_OK) {
        tend_log(TEND_LOG_ERROR, "incidents cannot be read why=\"%s\"", error->text);
    }
    return status;
}

static enum tend_status answer_explain(void *context, const char *id, json_t **out, struct tend_error *error)
{
    const struct daemon *daemon = context;
    return tend_incidents_explain(daemon->stories, id, out, error);
}

static void on_reached(void *context, uint64_t number)
{
    const struct daemon *daemon = context;
    if (daemon->server != NULL) {
        tend_api_server_reached(daemon->server, number);
    }
}

static void on_journal_failing(void *context, const char *why)
{
    const struct daemon *daemon = context;
    if (daemon->server != NULL) {
        tend_api_server_journal_failing(daemon->server, why);
    }
}

static enum tend_status operate(void *context, const char *command, const char *argument, const char *who,
                                uint64_t *record, struct tend_error *error)
{
    const struct daemon *daemon = context;
    tend_log(TEND_LOG_INFO, "operator command=%s argument=\"%s\" who=\"%s\"", command, argument, who);
    return tend_loop_operate(daemon->loop, command, argument, who, record, error);
}

static void reload(void *context, uint64_t id, const char *who)
{
    const struct daemon *daemon = context;
    tend_log(TEND_LOG_INFO, "operator command=reload who=\"%s\"", who);
    tend_loop_reload(daemon->loop, id);
}

static void answer_metrics(void *context, struct tend_buffer *out)
{
    const struct daemon *daemon = context;
    const struct tend_engine *engine = tend_loop_engine(daemon->loop);
    const struct tend_ruleset *ruleset = tend_engine_ruleset(engine);
    const struct tend_engine_counts counts = tend_engine_counts(engine);
    const struct tend_scrape_counters scrapes = tend_loop_scrapes(daemon->loop);
    const struct tend_loop_counts loop = tend_loop_counts(daemon->loop);
    const struct tend_log_watch_counts logs = tend_loop_logs(daemon->loop);
    struct tend_self_metrics metrics = {
        .generation = ruleset == NULL ? "" : ruleset->hash,
        .scrapes_late = scrapes.late,
        .scrapes_missed = scrapes.missed,
        .scrape_delays = scrapes.delays,
        .targets = counts.targets,
        .targets_up = counts.targets_up,
        .services = counts.services,
        .ticks = counts.ticks,
        .rules = ruleset == NULL ? 0 : ruleset->rule_count,
        .rules_off = counts.rules_off,
        .alerts_pending = counts.alerts_pending,
        .alerts_firing = counts.alerts_firing,
        .alerts_flapping = counts.alerts_flapping,
        .incidents_open = counts.incidents_open,
        .services_looked_at = counts.looked_at,
        .evaluator_kills = loop.evaluator_kills,
        .reloads = loop.reloads,
        .reloads_refused = loop.reloads_refused,
        .journal_records = counts.records,
        .journal_ok = !counts.journal_failed,
        .logs = { .files = logs.files,
                  .lines = logs.read.lines,
                  .bytes = logs.read.bytes,
                  .skipped_bytes = logs.read.skipped_bytes,
                  .cut_lines = logs.read.cut_lines },
        .loop_lag_seconds = loop.lag_s,
        .steps = loop.steps,
        .paused = counts.paused,
        .silences = counts.silences,
        .notices_held = counts.notices_held,
    };
    metrics.records = tend_loop_recording(daemon->loop, &metrics.recording);
    memcpy(metrics.scrapes, scrapes.ended, sizeof metrics.scrapes);
    size_t outcomes = 0;
    for (size_t i = 0; i < TEND_ENGINE_OUTCOMES && outcomes < TEND_SELF_OUTCOMES; i++) {
        if (counts.runs_ended[i] > 0) {
            metrics.outcomes[outcomes++] = (struct tend_self_outcome){ tend_engine_outcomes[i], counts.runs_ended[i] };
        }
    }
    tend_self_metrics_format(&metrics, out);
}

static bool answer_ready(void *context, struct tend_buffer *why)
{
    const struct daemon *daemon = context;
    if (!daemon->loaded) {
        tend_buffer_put_text(why, "the rules are not loaded yet");
    }
    return daemon->loaded;
}

static void on_signal(evutil_socket_t number, short what, void *context)
{
    (void)what;
    struct daemon *daemon = context;
    struct tend_error error = { .text = "" };
    switch (number) {
    case SIGHUP:
        tend_log(TEND_LOG_INFO, "SIGHUP: loading the rules again");
        tend_loop_reload(daemon->loop, 0);
        break;
    case SIGUSR1:
        if (tend_loop_operate(daemon->loop, "pause", "", "SIGUSR1", NULL, &error) != TEND_OK) {
            tend_log(TEND_LOG_ERROR, "cannot pause why=\"%s\"", error.text);
        }
        break;
    default:
        tend_log(TEND_LOG_INFO, "ending signal=%d", (int)number);
        (void)event_base_loopbreak(daemon->base);
        break;
    }
}

static bool catch_signals(struct daemon *daemon)
{
    static const int numbers[SIGNALS] = { SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGQUIT };
    (void)signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < SIGNALS; i++) {
        daemon->signals[i] = evsignal_new(daemon->base, numbers[i], on_signal, daemon);
        if (daemon->signals[i] == NULL || event_add(daemon->signals[i], NULL) != 0) {
            return false;
        }
    }
    return true;
}

static int run_daemon(struct tend_loop_options *options, const char *listen)
{
    struct daemon daemon = { .base = event_base_new() };
    struct tend_error error = { .text = "" };
    bool is_misused = false;
    if (daemon.base == NULL) {
        (void)fputs("tend run: out of memory\n", stderr);
        return TEND_EXIT_TROUBLE;
    }
    options->base = daemon.base;
    options->on_loaded = on_loaded;
    options->on_reached = on_reached;
    options->on_journal_failing = on_journal_failing;
    options->context = &daemon;
    char socket_path[4096];
    enum tend_status status = tend_loop_create(options, &daemon.loop, &error);
    if (status == TEND_OK) {
        status = tend_journal_open(tend_loop_state_path(daemon.loop), &daemon.stories, &error);
    }
    if (status == TEND_OK) {
        (void)snprintf(socket_path, sizeof socket_path, "%s/control.sock", tend_loop_state_path(daemon.loop));
        const struct tend_api_options api = {
            .base = daemon.base,
            .socket_path = socket_path,
            .listen = listen,
            .source = { .context = &daemon,
                        .status = answer_status,
                        .status_service = answer_status_service,
                        .incidents = answer_incidents,
                        .topology = answer_topology,
                        .explain = answer_explain,
                        .operate = operate,
                        .reload = reload,
                        .metrics = answer_metrics,
                        .ready = answer_ready },
        };
        status = tend_api_server_create(&api, &daemon.server, &error);
        is_misused = status == TEND_E_INVALID && listen != NULL;
    }
    if (status == TEND_OK && listen != NULL) {
        tend_log(TEND_LOG_INFO, "metrics served listen=%s port=%u", listen,
                 (unsigned)tend_api_server_port(daemon.server));
    }
    if (status != TEND_OK) {
        tend_terminal_complain("tend run: %s", error.text[0] == '\0' ? tend_status_text(status) : error.text);
        daemon.failed = true;
    } else if (!catch_signals(&daemon)) {
        daemon.failed = true;
    } else if (!daemon.failed) {
        (void)event_base_dispatch(daemon.base);
    }
    for (size_t i = 0; i < SIGNALS; i++) {
        if (daemon.signals[i] != NULL) {
            event_free(daemon.signals[i]);
        }
    }
    tend_api_server_destroy(daemon.server);
    daemon.server = NULL; // the journal is written to its end without it
    tend_journal_close(daemon.stories);
    tend_loop_destroy(daemon.loop);
    event_base_free(daemon.base);
    return is_misused ? TEND_EXIT_USAGE : daemon.failed ? TEND_EXIT_TROUBLE : TEND_EXIT_FINE;
}

static bool set_log_level(const char *name)
{
    static const char *const names[] = { "error", "warn", "info", "debug" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            tend_log_set_level((enum tend_log_level)i);
            return true;
        }
    }
    tend_terminal_complain("tend run: --log-level is error, warn, info or debug, not \"%s\"", name);
    return false;
}

// Less than this holds no two segments.
static const double least_record_bytes = 1024.0 * 1024.0;

static bool set_record_bytes(const char *text, uint64_t *bytes)
{
    double value;
    struct tend_error error = { .text = "" };
    if (tend_quantity_parse_as(text, strlen(text), "bytes", &value, &error) != TEND_OK) {
        tend_terminal_complain("tend run: --record-bytes: %s", error.text);
        return false;
    }
    if (value < least_record_bytes || value > 1e15) {
        tend_terminal_complain("tend run: --record-bytes is at least 1MiB and at most 1000TB, not %s", text);
        return false;
    }
    *bytes = (uint64_t)value;
    return true;
}

static bool set_record_age(const char *text, int64_t *age_ms)
{
    struct tend_error error = { .text = "" };
    if (tend_duration_parse(text, strlen(text), age_ms, &error) != TEND_OK) {
        tend_terminal_complain("tend run: --record-age: %s", error.text);
        return false;
    }
    if (*age_ms <= 0) {
        (void)fprintf(stderr, "tend run: --record-age is longer than 0; --no-recording records nothing\n");
        return false;
    }
    return true;
}

// A thousand kept connections need more than the 1,024 descriptors that a login shell gives; the hard limit is ours to
// use.
static void raise_open_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            tend_log(TEND_LOG_WARN, "open files cannot be raised limit=%llu", (unsigned long long)limit.rlim_cur);
        }
    }
}

// Reads the options. @param[out] helped  the help was asked for and printed, nothing else is to be done
// @return TEND_EXIT_FINE and, in optind, where the rest begins; or TEND_EXIT_USAGE
static int read_options(int argc, char **argv, struct tend_loop_options *loop, const char **listen, bool *helped)
{
    enum {
        OPTION_ENV = 256,
        OPTION_STATE,
        OPTION_SECRETS,
        OPTION_LISTEN,
        OPTION_CA,
        OPTION_LEVEL,
        OPTION_RECORD_BYTES,
        OPTION_RECORD_AGE,
        OPTION_NO_RECORDING,
    };
    static const struct option options[] = {
        { "env", required_argument, NULL, OPTION_ENV },
        { "state", required_argument, NULL, OPTION_STATE },
        { "secrets", required_argument, NULL, OPTION_SECRETS },
        { "listen", required_argument, NULL, OPTION_LISTEN },
        { "ca-file", required_argument, NULL, OPTION_CA },
        { "log-level", required_argument, NULL, OPTION_LEVEL },
        { "record-bytes", required_argument, NULL, OPTION_RECORD_BYTES },
        { "record-age", required_argument, NULL, OPTION_RECORD_AGE },
        { "no-recording", no_argument, NULL, OPTION_NO_RECORDING },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread runs yet
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (option) {
        case OPTION_ENV:
            loop->env = optarg;
            break;
        case OPTION_STATE:
            loop->state_dir = optarg;
            break;
        case OPTION_SECRETS:
            loop->secrets_dir = optarg;
            break;
        case OPTION_LISTEN:
            *listen = optarg;
            break;
        case OPTION_CA:
            loop->ca_file = optarg;
            break;
        case OPTION_LEVEL:
            if (!set_log_level(optarg)) {
                return TEND_EXIT_USAGE;
            }
            break;
        case OPTION_RECORD_BYTES:
            if (!set_record_bytes(optarg, &loop->record_bytes)) {
                return TEND_EXIT_USAGE;
            }
            break;
        case OPTION_RECORD_AGE:
            if (!set_record_age(optarg, &loop->record_age_ms)) {
                return TEND_EXIT_USAGE;
            }
            break;
        case OPTION_NO_RECORDING:
            loop->no_recording = true;
            break;
        case 'h':
            (void)fputs(help, stdout);
            *helped = true;
            return TEND_EXIT_FINE;
        default:
            return TEND_EXIT_USAGE;
        }
    }
    return TEND_EXIT_FINE;
}

int tend_command_run(int argc, char **argv)
{
    struct tend_loop_options loop = { .rules_dir = NULL };
    const char *listen = NULL;
    bool helped = false;
    const int read = read_options(argc, argv, &loop, &listen, &helped);
    if (read != TEND_EXIT_FINE || helped) {
        return read;
    }
    if (optind != argc - 1) {
        (void)fputs("tend run: it wants one directory of rules; see tend run --help\n", stderr);
        return TEND_EXIT_USAGE;
    }
    loop.rules_dir = argv[optind];
#ifndef TEND_SANITIZED
    (void)prctl(PR_SET_DUMPABLE, 0); // secrets pass through this process
#endif
    raise_open_files();
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    const int status = run_daemon(&loop, listen);
    curl_global_cleanup();
    return status;
}
