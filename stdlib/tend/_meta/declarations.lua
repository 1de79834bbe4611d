---@meta
-- What a user writes between the braces of each declaration. Never loaded; editors read it.

---@alias tend.Duration string  "30s", "1m30s", "250ms"
---@alias tend.Quantity number|string  a number in the metric's unit, or a text with one: "400ms", "2GiB", "1.5%"
---@alias tend.Text string|tend.Secret|(string|tend.Secret)[]  a list is joined by the core

---@class tend.Secret  handle of a value that only the core has
---@field secret string

---@class tend.Hours  made by tend.hours
---@field text string
---@field zone? string  nil: the zone of the service

---@class tend.Source
---@field kind "gauge"|"rate"|"mean"|"quantile"|"share"|"age"|"changes"
---@field selectors string[]
---@field gauges boolean[]  of a share: which of the two are gauges
---@field q? number
---@field at string

---@class tend.Expectation
---@field how "peers"|"last"|"learned"
---@field among? string
---@field self? boolean
---@field last? integer
---@field season? integer  milliseconds; of a day or a week
---@field zone? string  whose hours; nil: those of the service
---@field given? string  the metric whose value says what is expected

---@class tend.Metric
---@field [1]? tend.Source            where it comes from; inherited when left out
---@field expect? tend.Quantity|tend.Expectation  none: evidence only
---@field alpha? number               out of line from F = alpha on
---@field out_at? tend.Quantity       the same limit in the metric's unit
---@field floor? tend.Quantity        the smallest scale that matters
---@field bad? "above"|"below"|"both"
---@field unit? string
---@field window? tend.Duration        what it looks at; else its service's
---@field min_samples? integer        fewer in the window are too few

---@class tend.Limits
---@field at_once? integer        instances acted on at a time
---@field share? number           of the instances at a time, never less than one
---@field min_healthy? integer    that must go on serving
---@field per_hour? integer       runs
---@field cooldown? tend.Duration after a run
---@field attempts? integer       of a remedy in one incident
---@field confidence? number      in the culprit, 0 to 1

---@class tend.Control  verbs by name; each acts through p:exec and p:http
---@field [string] fun(p: tend.Run, instance?: tend.Instance, arguments?: table): any

---@class tend.Discovery

---@class tend.Logs
---@field files string|string[]    absolute paths; * ? [a-z] and {service} are filled in
---@field mask? string|string[]    regular expressions of what is secret in a line, besides what is masked anyway
---@field format? "json"|"plain"   "plain": a line that looks like JSON is none

---@class tend.Edges  or "istio", "istio services", "linkerd", "servicegraph"
---@field series string  a counter of calls
---@field from? string   the label that names the caller; the scraped service when left out
---@field to? string     the label that names the callee; likewise

---@class tend.ServiceFields
---@field is? string|string[]              groups it is part of; the rightmost is nearest
---@field targets? string[]|tend.Discovery {}: known, but not watched
---@field every? tend.Duration
---@field window? tend.Duration
---@field timeout? tend.Duration
---@field zone? string
---@field depends? string|string[]
---@field edges? tend.Edges|string|(tend.Edges|string)[]  where its targets tell who calls whom: dependencies are learned
---@field version? { series: string, label: string }
---@field logs? string|string[]|tend.Logs  log files: absolute paths with *, ? and {service}
---@field control? tend.Control|tend.Control[]
---@field metrics? table<string, tend.Metric|false>
---@field rules? table<string, tend.RuleChange|false>
---@field remedies? string|string[]        playbooks, tried in this order
---@field limits? tend.Limits
---@field awake? tend.Hours  outside them no data is normal: nothing is judged, learned or acted on, and alerts end
---@field gone_after? tend.Duration  people are told when discovery has not listed it for so long
---@field record? string[]|"all"

---@class tend.GroupFields: tend.ServiceFields
---@field together? { at_once?: integer, per_hour?: integer }  for all members as one

---@class tend.RuleChange
---@field fire_after? tend.Duration
---@field clear_below? number       alert index below which it clears; 0.9 when left out
---@field clear_after? tend.Duration
---@field missing? "hold"|"warn"|"act"
---@field severity? string          "warn" when left out
---@field act? boolean              may start a recovery
---@field ahead? tend.Duration  a good forecast that it will be out of line within this counts as out

---@class tend.RuleFields: tend.RuleChange
---@field on string|string[]        services and groups
---@field per? "service"|"instance"
---@field when string|fun(s: tend.View): any  a metric's name, or a function
---@field summary? string           "{instance}: memory {memory}"
---@field runbook? string
---@field kinds? string|string[]    of a rule on `up`: the failures of a scrape that may act

---@class tend.PlaybookFields
---@field when? fun(s: tend.View): any  whether it fits the culprit
---@field within? tend.Duration     how long a verify waits; "1m" when left out
---@field limits? tend.Limits       the stricter of these and the culprit's own holds
---@field run fun(p: tend.Run)
---@field also? string|string[]     other services that it may touch
---@field programs? string|string[] when given, the only programs that p:exec may start

---@class tend.LocateFields
---@field on string|string[]
---@field score fun(s: tend.View, incident: { id: string }): number?, string?  points and a reason

---@class tend.Notifier
---@field notice fun(notice: tend.Notice, receiver: string): table  { http = … }, { mail = … }, { log = … } or { error = … }
---@field ways? tend.Notifier[]  instead: several, tried in order

---@class tend.Notice
---@field key string             dedup key
---@field status "firing"|"resolved"|"escalated"
---@field incident string
---@field severity string
---@field service string
---@field culprit? string
---@field confidence? number
---@field summary string
---@field reasons string[]
---@field truncated? integer  alerts that there was no room for, beside the 100 in `alerts`
---@field external_url string
---@field group_key string
---@field at string              RFC 3339
---@field alerts { status: string, labels: table, annotations: table, startsAt: string, endsAt?: string, fingerprint: string }[]

---@class tend.NotifyFields
---@field on string|string[]
---@field severity? string|string[]  all when left out
---@field to tend.Notifier[]         in order, until one answers
---@field again? tend.Duration
---@field during? tend.Hours         hears of nothing outside of them, and then of what is still open
---@field outside? tend.Hours        hears of nothing within these

---@class tend.SilenceFields  nobody hears of it and nothing is begun on it; what lasts is told at its end
---@field on string|string[]
---@field during? tend.Hours   again and again
---@field outside? tend.Hours
---@field from? string         once: "2026-12-24 18:00", by the zone of "*", or "2026-12-24 18:00 Europe/Berlin"
---@field till? string
---@field why? string
