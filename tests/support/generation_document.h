#pragma once
/// Generation document: its parts as text, to put together what an evaluator would say that rules declare.
///
/// ' stands for ". A second member of the same name takes the place of the first.

#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UP_METRIC "{'name':'up','kind':'up','sources':[],'expect':{'value':1},'alpha':0.5,'bad':'below'}"
#define LOAD_METRIC "{'name':'load','kind':'gauge','sources':['load'],'expect':{'value':1},'out_at':2,'bad':'above'}"
#define LIMITS(more)                                                                                                   \
    "'limits':{'at_once':1,'share':0.5,'min_healthy':0,'per_hour':100,'cooldown_ms':0,'attempts':2,'confidence':0."    \
    "8" more "}"
#define SERVICE(name, targets, more)                                                                                   \
    "{'name':'" name "','groups':['*'],'targets':[" targets "],'every_ms':1000,'window_ms':1000,'timeout_ms':500,"     \
    "'metrics':[" UP_METRIC "," LOAD_METRIC "]," LIMITS("") more "}"
#define RULE(name, more) "{'name':'" name "'" more "}"
#define LOAD_RULE RULE("loaded", ",'metric':'load'")
#define PLAYBOOK(name, more) "{'name':'" name "','within_ms':5000,'source':'1'" more "}"
#define DOCUMENT(services, rules, playbooks, more)                                                                     \
    "{'services':[" services "],'rules':[" rules "],'playbooks':[" playbooks "]" more "}"

/// JSON written with ' for ".
static inline json_t *world_json(const char *text)
{
    char *copy = strdup(text);
    for (char *c = copy; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    json_error_t error;
    json_t *value = json_loads(copy, 0, &error);
    if (value == NULL) {
        fail_msg("%s at %d: %s", error.text, error.position, copy);
    }
    free(copy);
    return value;
}
