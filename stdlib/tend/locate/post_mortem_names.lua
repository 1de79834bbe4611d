--- Names of exported services: which of them are views of others (post_mortem.lua).
local names = {}

-- Words in the name of what stands between services, not for one.
local VIEWS = { remote = true, client = true, proxy = true, elb = true, lb = true, balancer = true, sidecar = true }

--- Whether a service is a mere view of another by its name: a proxy, or a caller's side of its calls.
function names.is_view(name)
  for word in name:lower():gmatch "%a+" do
    if VIEWS[word] then return true end
  end
  return false
end

local function words_of(name)
  local words = {}
  for word in name:lower():gmatch "%a+" do
    if #word >= 5 and not VIEWS[word] then words[#words + 1] = word end
  end
  return words
end

-- The one service that has the word in its name, or nil.
local function only_with(all, word)
  local found
  for _, name in ipairs(all) do
    if not names.is_view(name) and name:lower():find(word, 1, true) then
      if found then return nil end
      found = name
    end
  end
  return found
end

--- Views are named after what they show, perhaps cut short: "shop-searc.elb" shows "PetSearch". Of the words in a
--- view's name that one tells which is in the fewest other views' names.
---@param all string[]
---@return table<string, string>  what each view shows
function names.views(all)
  local used, shown = {}, {}
  for _, name in ipairs(all) do
    for _, word in ipairs(names.is_view(name) and words_of(name) or {}) do used[word] = (used[word] or 0) + 1 end
  end
  for _, name in ipairs(all) do
    local rarest
    for _, word in ipairs(names.is_view(name) and words_of(name) or {}) do
      local service = only_with(all, word)
      if service and (not rarest or used[word] < rarest) then
        rarest, shown[name] = used[word], service
      elseif service and used[word] == rarest and shown[name] ~= service then
        shown[name] = nil
      end
    end
  end
  return shown
end

return names
