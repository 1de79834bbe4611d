--- Notifies Alertmanagers that are there already: POST /api/v2/alerts, an alert for each of tend's.
local check = require "tend.check"
local registry = require "tend.registry"

---@class tend.notify.AlertmanagerOptions
---@field urls string|string[]  "http://am1:9093"; tried in order

local function way(url)
  return {
    is = "notifier",
    notice = function(notice)
      local alerts = {}
      for i, alert in ipairs(notice.alerts or {}) do
        alerts[i] = { labels = alert.labels, annotations = alert.annotations, startsAt = alert.startsAt,
          endsAt = alert.endsAt, generatorURL = notice.external_url }
      end
      return { http = { method = "POST", url = (url:gsub("/$", "")) .. "/api/v2/alerts",
        headers = { ["Content-Type"] = "application/json" }, body = host.json(host.array(alerts)) } }
    end,
  }
end

--- Makes the ways, one for each address.
--
--     to = { require "tend.notify.alertmanager" { urls = { "http://am1:9093", "http://am2:9093" } } }
---@param options tend.notify.AlertmanagerOptions
---@return tend.Notifier
local function alertmanager(options)
  local used = check.fields("notify.alertmanager", options, { urls = "names" })
  local made = { is = "notifier", ways = {} }
  for i, url in ipairs(used.urls or {}) do
    if not url:find("^https?://[^%s/]") then
      registry.error(host.caller(),
        ('notify.alertmanager: "%s" is no address; write it like "http://am1:9093"'):format(url))
    end
    made.ways[i] = way(url)
  end
  if #made.ways > 1 then
    registry.warning(host.caller(), "notify.alertmanager: this version sends to the first that answers, not to each")
  end
  return made
end
return alertmanager
