--- Notifies by a POST of what Alertmanager sends to its receivers (webhook version 4), so that what listens to that
--- listens to tend.
local check = require "tend.check"

---@class tend.notify.WebhookOptions
---@field url tend.Text      an address, or a secret that holds one
---@field token? tend.Text   sent as "Authorization: Bearer …"

local NEVER = "0001-01-01T00:00:00Z" -- how Alertmanager writes that an alert has not ended

-- Pairs that all tables have in common.
local function common(list)
  local shared = {}
  for key, value in pairs(list[1] or {}) do
    local all = true
    for _, other in ipairs(list) do all = all and other[key] == value end
    if all then shared[key] = value end
  end
  return shared
end

local function body_of(notice, receiver)
  local alerts, labels, annotations = {}, {}, {}
  for i, alert in ipairs(notice.alerts or {}) do
    alerts[i] = {
      status = alert.status, labels = alert.labels or {}, annotations = alert.annotations or {},
      startsAt = alert.startsAt or notice.at, endsAt = alert.endsAt or NEVER, generatorURL = notice.external_url or "",
      fingerprint = alert.fingerprint or "",
    }
    labels[i], annotations[i] = alerts[i].labels, alerts[i].annotations
  end
  local shared = common(annotations)
  shared.summary = notice.summary
  shared.culprit = notice.culprit
  if notice.reasons and #notice.reasons > 0 then shared.reasons = table.concat(notice.reasons, "; ") end
  return {
    version = "4", groupKey = notice.group_key or notice.key, truncatedAlerts = notice.truncated or 0,
    status = notice.status == "resolved" and "resolved" or "firing", receiver = receiver,
    groupLabels = { incident = notice.incident }, commonLabels = common(labels), commonAnnotations = shared,
    externalURL = notice.external_url or "", alerts = host.array(alerts),
  }
end

local function text(value) return check.value("text", value) end

--- Makes the way. `to = { require "tend.notify.webhook" { url = tend.secret "chat-url" } }`
---@param options tend.notify.WebhookOptions
---@return tend.Notifier
local function webhook(options)
  local used = check.fields("notify.webhook", options, { url = text, token = text })
  if not used.url and type(options) == "table" and options.url == nil then
    require("tend.registry").error(host.caller(), "notify.webhook needs url")
  end
  return {
    is = "notifier",
    notice = function(notice, receiver)
      local headers = { ["Content-Type"] = "application/json" }
      if used.token then
        headers["Authorization"] = { "Bearer " }
        for _, part in ipairs(used.token[1] and used.token or { used.token }) do
          table.insert(headers["Authorization"], part)
        end
      end
      local body = host.json(body_of(notice, receiver))
      return { http = { method = "POST", url = used.url, headers = headers, body = body } }
    end,
  }
end
return webhook
