#include "cli/past_options.h"

#include "base/status.h"

#include <stddef.h>
#include <string.h>

static bool take_source(struct tend_simulate_options *out, enum tend_simulate_source source, const char *value)
{
    const bool first = out->source == TEND_SIMULATE_NOTHING;
    out->source = source;
    out->source_text = value;
    return first;
}

bool tend_past_option_take(struct tend_simulate_options *out, const char *name, const char *value)
{
    static const struct {
        const char *name;
        enum tend_simulate_source source;
    } sources[] = { { "recording", TEND_SIMULATE_RECORDING },
                    { "csv", TEND_SIMULATE_CSV },
                    { "prometheus", TEND_SIMULATE_PROMETHEUS },
                    { "scenario", TEND_SIMULATE_SCENARIO } };
    const struct {
        const char *name;
        const char **field;
    } texts[] = { { "env", &out->env },
                  { "from", &out->from },
                  { "to", &out->to },
                  { "zone", &out->zone },
                  { "as", &out->as },
                  { "incidents", &out->incidents },
                  { "baselines", &out->baselines },
                  { "html", &out->html },
                  { "service-label", &out->service_label },
                  { "instance-label", &out->instance_label },
                  { "step", &out->step },
                  { "token-file", &out->token_file } };
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        if (strcmp(sources[i].name, name) == 0) {
            return take_source(out, sources[i].source, value);
        }
    }
    size_t i = 0;
    while (i < sizeof texts / sizeof texts[0] && strcmp(texts[i].name, name) != 0) {
        i++;
    }
    TEND_ASSERT(i < sizeof texts / sizeof texts[0]);
    *texts[i].field = value;
    return true;
}

const char *tend_past_options_misplaced(const struct tend_simulate_options *options)
{
    if (options->as != NULL && options->source != TEND_SIMULATE_CSV) {
        return "--as goes with a CSV file";
    }
    if ((options->service_label != NULL || options->instance_label != NULL || options->step != NULL ||
         options->token_file != NULL) &&
        options->source != TEND_SIMULATE_PROMETHEUS) {
        return "--service-label, --instance-label, --step and --token-file go with a server";
    }
    return NULL;
}
