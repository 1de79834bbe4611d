--- Notifies a Slack channel by an incoming webhook, whose address is a secret.
local check = require "tend.check"

---@class tend.notify.SlackOptions
---@field url tend.Secret

local function escape(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

local MARK = { firing = ":rotating_light:", resolved = ":white_check_mark:", escalated = ":raising_hand:" }

--- Makes the way. `to = { require "tend.notify.slack" { url = tend.secret "slack" } }`
---@param options tend.notify.SlackOptions
---@return tend.Notifier
local function slack(options)
  local used = check.fields("notify.slack", options, { url = "text" })
  return {
    is = "notifier",
    notice = function(notice)
      local lines = { ("%s *%s* %s: %s"):format(MARK[notice.status] or "", notice.status, notice.incident or "",
        escape(notice.summary or "")) }
      if notice.culprit then
        lines[2] = ("culprit: %s (confidence %.2f)"):format(escape(notice.culprit), notice.confidence or 0)
      end
      for _, reason in ipairs(notice.reasons or {}) do lines[#lines + 1] = "• " .. escape(reason) end
      return { http = { method = "POST", url = used.url, headers = { ["Content-Type"] = "application/json" },
        body = host.json { text = table.concat(lines, "\n") } } }
    end,
  }
end
return slack
