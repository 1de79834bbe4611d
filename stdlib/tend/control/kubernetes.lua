--- Controls a Deployment: restart evicts one pod over the Kubernetes API (or, without `pod`, rolls all of them), scale
--- sets the replicas, redeploy { version = "previous" } is `kubectl rollout undo`, a program that has to be there.
--
-- Requests follow the published API; a test here sends them to nobody but a fake.
-- An eviction that a disruption budget forbids (429) fails the step; it never falls back to a plain delete.
local check = require "tend.check"
local registry = require "tend.registry"

---@class tend.control.KubernetesOptions
---@field deployment string   name; {service} and labels are filled in
---@field pod? string         name of an instance's pod, such as "{pod}", a label that discovery gives
---@field namespace? string   "default" when left out
---@field url? string         the API server; "https://kubernetes.default.svc" when left out
---@field token? tend.Text    of a service account that may patch and evict; secret "kubernetes" when left out

local function path_part(text)
  if not text:find("^[%l%d][%l%d.%-]*$") then error(('"%s" is no Kubernetes name'):format(text), 0) end
  return text
end

local function text_option(value) return check.value("text", value) end

--- Makes the control: restart, redeploy, scale.
--
--     control = require "tend.control.kubernetes" { namespace = "shop", deployment = "{service}", pod = "{pod}" }
---@param options tend.control.KubernetesOptions
---@return tend.Control
local function kubernetes(options)
  local used = check.fields("control.kubernetes", options, { deployment = "string", pod = "string?",
    namespace = "string?", url = "string?", token = text_option })
  local server = used.url or "https://kubernetes.default.svc"
  local namespace = used.namespace or "default"
  if not namespace:find("^[%l%d][%l%d%-]*$") then
    registry.error(host.caller(), ('control.kubernetes: "%s" is no namespace'):format(namespace))
  end
  local token = used.token or { secret = "kubernetes" }

  local function headers(content_type)
    return { Authorization = { "Bearer ", token }, ["Content-Type"] = content_type, Accept = "application/json" }
  end
  local function deployment_url(p, instance, arguments)
    return ("%s/apis/apps/v1/namespaces/%s/deployments/%s"):format(server, namespace,
      path_part(p:fill(used.deployment, instance, arguments)))
  end

  local control = {}
  function control.restart(p, instance)
    if not used.pod then
      -- A new annotation in the pod template rolls all pods. It names the run and not the time: a rerun of the script
      -- asks for the same thing, and a second instance of the same run changes nothing.
      return p:http {
        method = "PATCH", url = deployment_url(p, instance) .. "?fieldManager=tend",
        headers = headers "application/strategic-merge-patch+json",
        body = host.json { spec = { template = { metadata = { annotations = {
          ["tend/restarted-by"] = "run " .. p.id,
        } } } } },
        idempotent = true,
      }
    end
    local pod = path_part(p:fill(used.pod, instance))
    return p:http {
      method = "POST", url = ("%s/api/v1/namespaces/%s/pods/%s/eviction"):format(server, namespace, pod),
      headers = headers "application/json",
      body = host.json { apiVersion = "policy/v1", kind = "Eviction",
        metadata = { name = pod, namespace = namespace } },
      accept = { 404 }, -- it is gone already
      idempotent = true,
    }
  end
  function control.redeploy(p, instance, arguments)
    if arguments.version ~= "previous" then
      error('control.kubernetes can redeploy { version = "previous" } only', 0)
    end
    return p:exec {
      argv = { "kubectl", "--namespace", namespace, "rollout", "undo",
        "deployment/" .. path_part(p:fill(used.deployment, instance)) },
      timeout_ms = 60000, -- not idempotent: a second undo would bring the bad version back
    }
  end
  function control.scale(p, instance, arguments)
    return p:http {
      method = "PATCH", url = deployment_url(p, instance, arguments) .. "/scale?fieldManager=tend",
      headers = headers "application/merge-patch+json", body = host.json { spec = { replicas = arguments.replicas } },
      idempotent = true,
    }
  end
  return control
end
return kubernetes
