-- AnnotationProject follows kstatus: Ready, and Reconciling or Stalled while true, each with its reason; status.observedGeneration.
-- Ready is True once people can annotate: their work of days blocks no sync wave; LabelingComplete, QualityPassed and DatasetReleased tell of it.
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
local ready, stalled = conditions["Ready"], conditions["Stalled"]

if obj.spec.suspend then
  return { status = "Suspended", message = "spec.suspend is true" }
end
if stalled ~= nil and stalled.status == "True" then
  return { status = "Degraded", message = stalled.reason .. ": " .. stalled.message }
end
if ready ~= nil and ready.status == "True" then
  return { status = "Healthy", message = ready.message }
end
if ready ~= nil then
  return progressing(ready.reason .. ": " .. ready.message)
end
return progressing("nothing is known yet")
