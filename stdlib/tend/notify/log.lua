--- Notifies by a line in tend's own log: the way that is always there.
local check = require "tend.check"

--- Makes the way. `to = { require "tend.notify.log" {} }`
---@param options? table  no fields
---@return tend.Notifier
local function log(options)
  check.fields("notify.log", options or {}, {})
  return {
    is = "notifier",
    notice = function(notice)
      local words = { ("%s %s: %s"):format(notice.status, notice.incident, notice.summary or "") }
      if notice.culprit then words[#words + 1] = ("culprit %s"):format(notice.culprit) end
      return { log = table.concat(words, "; ") }
    end,
  }
end
return log
