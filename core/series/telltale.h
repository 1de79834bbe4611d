#pragma once
/// Telltale: series that tell what a process runs, by the names that exporters give them. They are always kept, as they
/// tell of deploys and of changed configuration that nobody told tend of.

#include <stddef.h>

enum tend_telltale {
    TEND_TELLTALE_NONE,
    TEND_TELLTALE_BUILD,  ///< NAME_build_info: its labels are the build; the value says nothing
    TEND_TELLTALE_CONFIG, ///< NAME_config_hash: another value is another configuration
    TEND_TELLTALE_RELOAD, ///< NAME_config_last_reload_success…, NAME_config_reloads_total: another value is a reload
    TEND_TELLTALE_RELOAD_FINE, ///< NAME_config_last_reload_successful: 0: the last reload failed
};

enum { TEND_TELLTALES_MOST = 64 }; ///< of one target

/// What a metric of this name tells. Pure.
enum tend_telltale tend_telltale_of(const char *name, size_t bytes);
