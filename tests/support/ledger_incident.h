#pragma once
// The records of one incident, written by hand: ledger crashes, payments suffers, ledger is restarted, all is well.
// It opens at 2026-01-31T09:05:07.250Z.

#include "journal/record.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define LEDGER_OPENED_MS INT64_C(1769850307250)

struct written_record {
    enum tend_record_kind kind;
    int after_ms; // the opening
    const char *key;
    const char *body; // $N stands for the opening and N ms more
};

static const struct written_record ledger_incident[] = {
    { TEND_RECORD_ALERT, -1000, "down\nledger\nledger/127.0.0.1:9105",
      "{'rule':'down','service':'ledger','instance':'ledger/"
      "127.0.0.1:9105','state':'pending','severity':'page','act':true,"
      "'since_wall_ms':$-1000,'fired_wall_ms':null,'resolved_wall_ms':null,'metric':'up','P':0,'E':1,'F':1,'alpha':0.5,"
      "'A':2,'out_at':null,'unit':'','missing':null,'summary':'ledger does not answer','incident':null}" },
    { TEND_RECORD_ALERT, 0, "down\nledger\nledger/127.0.0.1:9105",
      "{'rule':'down','service':'ledger','instance':'ledger/"
      "127.0.0.1:9105','state':'firing','severity':'page','act':true,"
      "'since_wall_ms':$-1000,'fired_wall_ms':$0,'resolved_wall_ms':null,'metric':'up','P':0,'E':1,'F':1,'alpha':0.5,"
      "'A':2,'out_at':null,'unit':'','missing':null,'summary':'ledger does not answer','incident':'i7'}" },
    { TEND_RECORD_INCIDENT, 0, "i7",
      "{'id':'i7','state':'open','opened_wall_ms':$0,'ended_wall_ms':null,'severity':'page','services':['ledger'],"
      "'alerts':[],'culprits':[],'outcome':null}" },
    { TEND_RECORD_ALERT, 500, "slow\npayments\n",
      "{'rule':'slow','service':'payments','instance':'','state':'firing','severity':'page','act':true,"
      "'since_wall_ms':$-500,'fired_wall_ms':$500,'resolved_wall_ms':null,'metric':'response_time','P':1.2,'E':0.02,'F'"
      ":59,"
      "'alpha':2,'A':29.5,'out_at':null,'unit':'s','missing':null,'summary':'payments is slow','incident':'i7'}" },
    { TEND_RECORD_EVIDENCE, 600, "i7",
      "{'ranking':[],'culprits':[],'wait':'ledger has no scrape that began after the onset','services':[]}" },
    { TEND_RECORD_EVIDENCE, 1000, "i7",
      "{'ranking':[{'service':'ledger','score':2,'confidence':0.92,'reasons':['out of line, its dependencies are in "
      "line','the first to go']},{'service':'payments','score':0.2,'confidence':0.05,'reasons':['depends on ledger']}],"
      "'culprits':['ledger'],'wait':null,'services':[]}" },
    { TEND_RECORD_DECISION, 1000, "i7",
      "{'service':'ledger','what':'hold','playbook':'restart','reason':'settling','text':'the ranking is younger than "
      "1 "
      "s'}" },
    { TEND_RECORD_DECISION, 1500, "i7",
      "{'service':'ledger','what':'hold','playbook':'restart','reason':'settling','text':'the ranking is younger than "
      "1 "
      "s'}" },
    { TEND_RECORD_INCIDENT, 2000, "i7",
      "{'id':'i7','state':'open','opened_wall_ms':$0,'ended_wall_ms':null,'severity':'page','services':['ledger',"
      "'payments'],'alerts':[],'culprits':[{'service':'ledger','confidence':0.92}],'outcome':null}" },
    { TEND_RECORD_DECISION, 2000, "i7",
      "{'service':'ledger','what':'act','playbook':'restart','reason':'','text':'confidence 0.92 is over 0.8'}" },
    { TEND_RECORD_RUN, 2000, "r3",
      "{'id':'r3','incident':'i7','playbook':'restart','playbook_hash':'ab12','service':'ledger','state':'begun',"
      "'outcome':null,'dry':false,'generation':'cd34','frozen':{},'began_wall_ms':$2000,'ended_wall_ms':null,"
      "'error':null}" },
    { TEND_RECORD_STEP, 2010, "r3/1",
      "{'run':'r3','seq':1,'verb':'restart','instance':'ledger/127.0.0.1:9105','kind':'exec','args':{'argv':['shopctl',"
      "'/tmp/a shop','restart','ledger'],'timeout_ms':30000},'idempotent':true,'undo':false,'dry':false,'attempt':1,"
      "'state':'begun','outcome':null,'error':null,'value':null,'began_wall_ms':$2010,'ended_wall_ms':null,"
      "'at':'shop.lua:40'}" },
    { TEND_RECORD_STEP, 2430, "r3/1",
      "{'run':'r3','seq':1,'verb':'restart','instance':'ledger/127.0.0.1:9105','kind':'exec','args':{'argv':['shopctl',"
      "'/tmp/a shop','restart','ledger'],'timeout_ms':30000},'idempotent':true,'undo':false,'dry':false,'attempt':1,"
      "'state':'ended','outcome':'done','error':null,'value':{'exit':0},'began_wall_ms':$2010,'ended_wall_ms':$2430,"
      "'at':'shop.lua:40'}" },
    { TEND_RECORD_STEP, 2440, "r3/2",
      "{'run':'r3','seq':2,'verb':null,'instance':null,'kind':'verify','args':{},'idempotent':true,'undo':false,"
      "'dry':false,'attempt':1,'state':'begun','outcome':null,'error':null,'value':null,'began_wall_ms':$2440,"
      "'ended_wall_ms':null,'at':'shop.lua:41'}" },
    { TEND_RECORD_STEP, 4440, "r3/2",
      "{'run':'r3','seq':2,'verb':null,'instance':null,'kind':'verify','args':{},'idempotent':true,'undo':false,"
      "'dry':false,'attempt':1,'state':'ended','outcome':'done','error':null,'value':null,'began_wall_ms':$2440,"
      "'ended_wall_ms':$4440,'at':'shop.lua:41'}" },
    { TEND_RECORD_RUN, 4450, "r3",
      "{'id':'r3','incident':'i7','playbook':'restart','playbook_hash':'ab12','service':'ledger','state':'ended',"
      "'outcome':'recovered','dry':false,'generation':'cd34','frozen':{},'began_wall_ms':$2000,'ended_wall_ms':$4450,"
      "'error':null}" },
    { TEND_RECORD_NOTICE, 4500, "i7/on call/firing/1",
      "{'key':'i7/on call/firing/1','incident':'i7','notify':'on "
      "call','to':0,'status':'sent','tries':2,'request':null,'log':null,"
      "'error':null}" },
    { TEND_RECORD_ALERT, 5000, "down\nledger\nledger/127.0.0.1:9105",
      "{'rule':'down','service':'ledger','instance':'ledger/127.0.0.1:9105','state':'resolved','severity':'page',"
      "'act':true,'since_wall_ms':$-1000,'fired_wall_ms':$0,'resolved_wall_ms':$5000,'metric':'up','P':1,'E':1,'F':0,"
      "'alpha':0.5,'A':0,'out_at':null,'unit':'','missing':null,'summary':'ledger does not answer','incident':'i7'}" },
    { TEND_RECORD_INCIDENT, 5250, "i7",
      "{'id':'i7','state':'ended','opened_wall_ms':$0,'ended_wall_ms':$5250,'severity':'page','services':['ledger',"
      "'payments'],'alerts':[],'culprits':[{'service':'ledger','confidence':0.92}],'outcome':'recovered'}" },
};
enum { LEDGER_INCIDENT_RECORDS = sizeof ledger_incident / sizeof ledger_incident[0] };

// The body as JSON: ' becomes ", $N the time.
static inline json_t *written_body(const char *text)
{
    char json[4096];
    size_t size = 0;
    while (*text != '\0' && size < sizeof json - 32) {
        if (*text == '$') {
            char *end = NULL;
            const long after_ms = strtol(text + 1, &end, 10);
            size += (size_t)snprintf(json + size, sizeof json - size, "%lld", (long long)(LEDGER_OPENED_MS + after_ms));
            text = end;
        } else {
            json[size++] = *text == '\'' ? '"' : *text;
            text++;
        }
    }
    json[size] = '\0';
    return json_loads(json, 0, NULL);
}

// The caller clears it with tend_record_clear.
static inline struct tend_record written_to_record(const struct written_record *written, uint64_t number)
{
    return (struct tend_record){
        .number = number,
        .at_ms = 1000000 + written->after_ms,
        .wall_ms = LEDGER_OPENED_MS + written->after_ms,
        .kind = written->kind,
        .key = strdup(written->key),
        .incident = strdup("i7"),
        .open = true,
        .body = written_body(written->body),
    };
}
