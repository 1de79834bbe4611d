// Names as in Prometheus, Alertmanager, Blackbox exporter, Loki, Mimir (…_config_last_reload_success_timestamp_seconds,
// …_config_last_reload_successful, alertmanager_config_hash), ingress-nginx (…_config_hash,
// …_config_last_reload_successful_timestamp_seconds), Traefik (traefik_config_last_reload_success,
// traefik_config_reloads_total).

#include "series/telltale.h"

#include <string.h>

static const struct {
    const char *end;
    enum tend_telltale telltale;
} endings[] = {
    { "_build_info", TEND_TELLTALE_BUILD },
    { "_config_hash", TEND_TELLTALE_CONFIG },
    { "_config_last_reload_success_timestamp_seconds", TEND_TELLTALE_RELOAD },
    { "_config_last_reload_successful_timestamp_seconds", TEND_TELLTALE_RELOAD },
    { "_config_last_reload_success", TEND_TELLTALE_RELOAD },
    { "_config_reloads_total", TEND_TELLTALE_RELOAD },
    { "_config_last_reload_successful", TEND_TELLTALE_RELOAD_FINE },
};

enum tend_telltale tend_telltale_of(const char *name, size_t bytes)
{
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const size_t length = strlen(endings[i].end);
        if (bytes > length && memcmp(name + bytes - length, endings[i].end, length) == 0) {
            return endings[i].telltale;
        }
    }
    return TEND_TELLTALE_NONE;
}
