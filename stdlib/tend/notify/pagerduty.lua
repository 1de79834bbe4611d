--- Notifies PagerDuty (Events API v2). One dedup key an incident: repeats and the resolve find the same page.
local check = require "tend.check"

---@class tend.notify.PagerdutyOptions
---@field key tend.Text  the integration's routing key, a secret

local SEVERITY = { page = "critical", ticket = "warning", warn = "warning" }
local SUMMARY_MAX_BYTES = 1024 -- theirs

-- Cuts a text without cutting a UTF-8 letter in two.
local function cut(text, bytes)
  if #text <= bytes then return text end
  local last = bytes
  while last > 0 and text:byte(last + 1) >= 0x80 and text:byte(last + 1) < 0xc0 do last = last - 1 end
  return text:sub(1, last)
end

local function event_of(notice)
  local event = { event_action = notice.status == "resolved" and "resolve" or "trigger",
    dedup_key = "tend/" .. (notice.incident or ""), client = "tend" }
  if event.event_action == "trigger" then
    event.payload = {
      summary = cut(notice.summary or notice.incident or "", SUMMARY_MAX_BYTES),
      source = notice.culprit or notice.service or "tend", severity = SEVERITY[notice.severity] or "info",
      timestamp = notice.at, component = notice.culprit,
      custom_details = { reasons = table.concat(notice.reasons or {}, "; "), confidence = notice.confidence },
    }
  end
  return event
end

--- Makes the way. `to = { require "tend.notify.pagerduty" { key = tend.secret "pagerduty" } }`
---@param options tend.notify.PagerdutyOptions
---@return tend.Notifier
local function pagerduty(options)
  local used = check.fields("notify.pagerduty", options, { key = "text" })
  return {
    is = "notifier",
    notice = function(notice)
      local rest = host.json(event_of(notice)):sub(2) -- the core joins the key in, so that no script ever has it
      return { http = { method = "POST", url = "https://events.pagerduty.com/v2/enqueue",
        headers = { ["Content-Type"] = "application/json" }, body = { '{"routing_key":"', used.key, '",' .. rest } } }
    end,
  }
end
return pagerduty
