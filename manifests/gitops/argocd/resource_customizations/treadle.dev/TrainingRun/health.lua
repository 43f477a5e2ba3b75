-- TrainingRun follows kstatus: Ready, and Reconciling or Stalled while true, each with its reason; status.observedGeneration.
-- It is a record: once Succeeded is True or False it stays so. A run that waits for a human's approval is Suspended, as Argo's own kinds are.
local function progressing(message)
  return { status = "Progressing", message = message }
end

if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return progressing("the operator has not seen this generation yet")
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions or {}) do
  conditions[condition.type] = condition
end
local ready, stalled, succeeded = conditions["Ready"], conditions["Stalled"], conditions["Succeeded"]
local approved = conditions["Approved"]

if succeeded ~= nil and succeeded.status == "True" then
  return { status = "Healthy", message = succeeded.message }
end
if succeeded ~= nil and succeeded.status == "False" then
  return { status = "Degraded", message = succeeded.reason .. ": " .. succeeded.message }
end
if obj.spec.suspend then
  return { status = "Suspended", message = "spec.suspend is true" }
end
if stalled ~= nil and stalled.status == "True" then
  return { status = "Degraded", message = stalled.reason .. ": " .. stalled.message }
end
if approved ~= nil and approved.reason == "AwaitingApproval" then
  return { status = "Suspended", message = approved.message }
end
if ready ~= nil then
  return progressing(ready.reason .. ": " .. ready.message)
end
return progressing("nothing is known yet")
