#pragma once
/// Log variants: templates that are one but for a word that varies, such as a user's name or a city, which has no digit
/// to be masked by.
///
/// After Drain (P. He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017): templates with
/// the same marks and as many words, most of which are equal, come from one place of a program. Other than there, a
/// word is a variable only when it was seen with TEND_LOG_VARIANTS values: "payment failed" is never made one with
/// "payment accepted", which two values would do. Pure; whose templates they are and of what level is for the caller to
/// keep apart.

#include "locate/log_template.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    TEND_LOG_VARIANTS = 3,      ///< values of a word that make it a variable
    TEND_LOG_VARIANTS_MAX = 64, ///< templates that a new one is compared with
};
#define TEND_LOG_WORD "<word>" ///< stands for any one word

/// A hash of a template's marks and of how many words lie between them: only those of one shape can be variants.
uint64_t tend_log_shape(const char *template);

/// Words that are never made a variable: the names of services, for "timeout calling ledger" is said of ledger.
struct tend_log_names {
    bool (*has)(const void *context, const char *word, size_t bytes);
    const void *context;
};

/// Whether a new template and others are one but for words that vary.
/// @param others  of the same shape; those beyond TEND_LOG_VARIANTS_MAX are not looked at
/// @param names  NULL: there are none
/// @param[out] out  the template that stands for all of them, when it is so
bool tend_log_generalize(const char *added, const char *const *others, size_t count, const struct tend_log_names *names,
                         char out[TEND_LOG_TEMPLATE_BYTES + 1]);

/// Whether a template with TEND_LOG_WORD in it stands for another one; a name is no such word.
bool tend_log_stands_for(const char *general, const char *template, const struct tend_log_names *names);

/// Those of a list of templates that are one with a new one.
struct tend_log_group {
    char general[TEND_LOG_TEMPLATE_BYTES + 1]; ///< stands for them and for the new one
    size_t members[TEND_LOG_VARIANTS_MAX];     ///< their places, ascending
    size_t count;                              ///< 0: there are none yet, but the new one has a TEND_LOG_WORD itself
};

/// @param text_at  the template at a place of the list, or NULL when it is of another shape or level than the new one
/// @return false: it is one with none of them
bool tend_log_find_group(const char *added, size_t count, const char *(*text_at)(const void *context, size_t place),
                         const void *context, const struct tend_log_names *names, struct tend_log_group *out);
