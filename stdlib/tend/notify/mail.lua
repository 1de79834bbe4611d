--- Notifies by mail. The request is handed to the core as { mail = … }; a core that cannot send mail says so and the
--- next way is tried.
local check = require "tend.check"

---@class tend.notify.MailOptions
---@field to string|string[]  addresses
---@field from? string        "tend@localhost" when left out
---@field server? string      "smtp://mail:25"; "smtp://localhost" when left out

local function addresses(value)
  local list, reason = check.value("names", value)
  if not list then return nil, reason end
  for _, address in ipairs(list) do
    if not address:find("^[^%s@<>%c]+@[^%s@<>%c]+$") then return nil, ('"%s" is no mail address'):format(address) end
  end
  return list
end

local function server(value)
  if type(value) == "string" and value:find("^smtps?://[^%s/]+") then return value end
  return nil, 'is no mail server; write it like "smtp://mail:25"'
end

-- A line break in a header would begin another header.
local function one_line(text) return (text:gsub("%c+", " ")) end

--- Makes the way. `to = { require "tend.notify.mail" { to = "ops@example.org", server = "smtp://mail" } }`
---@param options tend.notify.MailOptions
---@return tend.Notifier
local function mail(options)
  local used = check.fields("notify.mail", options, { to = addresses, from = addresses, server = server })
  if not used.to and type(options) == "table" and options.to == nil then
    require("tend.registry").error(host.caller(), 'notify.mail needs to = "name@example.org"')
  end
  return {
    is = "notifier",
    notice = function(notice)
      local lines = { notice.summary or "", "" }
      if notice.culprit then
        lines[#lines + 1] = ("culprit: %s (confidence %.2f)"):format(notice.culprit, notice.confidence or 0)
      end
      for _, reason in ipairs(notice.reasons or {}) do lines[#lines + 1] = "- " .. reason end
      return { mail = { to = used.to, from = used.from and used.from[1] or "tend@localhost",
        server = used.server or "smtp://localhost",
        subject = one_line(("[%s] %s %s"):format(notice.status, notice.incident or "", notice.summary or "")),
        body = table.concat(lines, "\n") } }
    end,
  }
end
return mail
